import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import initSqlJs from 'sql.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/core/errors.js';
import { readSource } from '../../src/migrate/read-source.js';

const FIXTURES = fileURLToPath(new URL('./fixtures', import.meta.url));
const TASKS = 'django_celery_beat_periodictask';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-import-'));
});
afterAll(() => rm(folder, { recursive: true }));

const read = (source: { database?: string; file?: string }) =>
  readSource({ ...source, cwd: folder, timezone: 'Europe/Rome' });

async function refusal(source: { database?: string; file?: string }): Promise<MillraceError> {
  const error: unknown = await read(source).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MillraceError);
  return error as MillraceError;
}

/** A copy of the fixture, changed by SQL. */
async function database(name: string, sql: string): Promise<string> {
  const { Database } = await initSqlJs();
  const copy = new Database(await readFile(join(FIXTURES, 'beat.sqlite3')));
  copy.run(sql);
  await writeFile(join(folder, name), copy.export());
  copy.close();
  return name;
}

async function json(name: string, value: unknown): Promise<string> {
  await writeFile(join(folder, name), JSON.stringify(value));
  return name;
}

describe('a source', () => {
  it('gives the same entries as a database, by its path or URL, and as a dump', async () => {
    await copyFile(join(FIXTURES, 'beat.sqlite3'), join(folder, 'beat.sqlite3'));
    await copyFile(join(FIXTURES, 'dumpdata.json'), join(folder, 'dump.json'));
    const entries = await read({ database: 'beat.sqlite3' });
    expect(entries).toHaveLength(57);
    expect(await read({ database: 'sqlite:///beat.sqlite3' })).toEqual(entries);
    expect(await read({ database: `sqlite:///${folder}/beat.sqlite3` })).toEqual(entries);
    expect(await read({ file: 'beat.sqlite3' })).toEqual(entries);
    expect(await read({ file: 'dump.json' })).toEqual(entries);
  });

  it('has every field of a periodic task', async () => {
    const entries = await readSource({ file: 'dumpdata.json', cwd: FIXTURES, timezone: 'UTC' });
    expect(entries.find(({ name }) => name === 'everything')).toMatchObject({
      where: `${TASKS} pk 54`,
      task: 'proj.tasks.import_contacts',
      args: ['eu', 3],
      kwargs: { dry: false, since: null, name: 'Zoë' },
      queue: 'slow',
      exchange: 'jobs',
      routingKey: 'jobs.slow',
      headers: { trace: 'abc' },
      priority: 7,
      expireSeconds: 900,
      enabled: true,
      lastRunAt: new Date('2026-10-20T12:00:02Z'),
      description: 'Contacts of the day',
      timing: { kind: 'crontab', timezone: 'Europe/Berlin', rule: { hour: [6], minute: [0] } },
    });
  });

  it('is a beat_schedule too, in all of its forms', async () => {
    const file = await json('settings.json', {
      beat_schedule: {
        seconds: { task: 'a', schedule: 30.0 },
        delta: { task: 'a', schedule: { hours: 1, minutes: 30 } },
        fields: { task: 'a', schedule: { minute: [0, 30], hour: 6, day_of_week: 'mon-fri' } },
        crontab: { task: 'a', schedule: { crontab: { minute: '*/5' } } },
        text: { task: 'a', schedule: '0 4 * * sun', args: [1], kwargs: { x: 2 } },
        solar: { task: 'a', schedule: { solar: { event: 'sunset', lat: -37.8, lon: 144.9 } } },
        options: {
          task: 'a',
          schedule: 60,
          options: { queue: 'q', priority: 3, expires: 90, compression: 'zlib' },
          relative: true,
        },
      },
    });
    const entries = await read({ file });
    expect(entries.map(({ timing }) => timing)).toMatchObject([
      { kind: 'interval', seconds: 30 },
      { kind: 'interval', seconds: 5400 },
      { kind: 'crontab', rule: { text: '0,30 6 * * mon-fri', dayOfWeek: [1, 2, 3, 4, 5] }, timezone: 'Europe/Rome' },
      { kind: 'crontab', rule: { text: '*/5 * * * *' } },
      { kind: 'crontab', rule: { dayOfWeek: [0] } },
      { kind: 'solar', event: 'sunset', latitude: -37.8, longitude: 144.9 },
      { kind: 'interval', seconds: 60 },
    ]);
    expect(entries[4]).toMatchObject({ args: [1], kwargs: { x: 2 } });
    expect(entries[6]).toMatchObject({
      queue: 'q',
      priority: 3,
      expireSeconds: 90,
      leftOut: ['relative', 'options.compression'],
    });
  });
});

describe('a broken source', () => {
  it('tells all faults of the rows at once, each with table, key and column', async () => {
    const name = await database(
      'broken.sqlite3',
      `pragma foreign_keys = off;
       update ${TASKS} set args = '[1,' where id = 1;
       update ${TASKS} set kwargs = '[]', headers = '3' where id = 2;
       update ${TASKS} set crontab_id = 999 where id = 3;
       update ${TASKS} set interval_id = 1 where id = 4;
       update ${TASKS} set crontab_id = null where id = 5;
       update ${TASKS} set start_time = '2026-02-30 00:00:00' where id = 6;
       update django_celery_beat_crontabschedule set minute = '61', day_of_week = '7' where id = 7;
       update django_celery_beat_crontabschedule set day_of_month = '31', month_of_year = '2,4' where id = 8;
       update django_celery_beat_crontabschedule set hour = '1-', timezone = 'Mars/Phobos' where id = 9;
       update django_celery_beat_intervalschedule set period = 'fortnights' where id = 2;
       update django_celery_beat_solarschedule set event = 'eclipse' where id = 1;
       update django_celery_beat_clockedschedule set clocked_time = 'tomorrow' where id = 1`,
    );
    const { code, message, issues } = await refusal({ database: name });
    expect(code).toBe('import.invalid');
    expect(message).toBe('the database has 15 faults; nothing was changed');
    const cron = 'django_celery_beat_crontabschedule';
    expect(issues.map(({ path, message: text }) => `${path}: ${text}`)).toEqual([
      `${TASKS} pk 1 column args: wanted a list as JSON, found "[1,"`,
      `${TASKS} pk 2 column kwargs: wanted an object as JSON, found "[]"`,
      `${TASKS} pk 2 column headers: wanted an object as JSON, found "3"`,
      `${TASKS} pk 3 column crontab_id: wanted a row of ${cron}, found none with pk 999`,
      `${TASKS} pk 4 column interval_id, crontab_id: wanted one of interval_id, crontab_id, solar_id, clocked_id, found interval_id and crontab_id`,
      `${TASKS} pk 5 column interval_id: wanted one of interval_id, crontab_id, solar_id, clocked_id, found none`,
      `${TASKS} pk 6 column start_time: wanted a time such as 2026-12-01 06:00:00+00:00, found "2026-02-30 00:00:00"`,
      `${cron} pk 7 column minute: crontab field "61": wanted 0 to 59, found "61"`,
      `${cron} pk 7 column day_of_week: crontab field "7": wanted 0 to 6, found "7"; Celery knows Sunday as 0 only`,
      `${cron} pk 8 column day_of_month: crontab "0 9 31 2,4 mon-fri" never fires: there is no day 31 in month 2,4`,
      `${cron} pk 9 column timezone: wanted a time zone such as "Europe/Berlin", found "Mars/Phobos"`,
      `${cron} pk 9 column hour: crontab field "1-": "1-" is no number and no name of a month or day`,
      `django_celery_beat_intervalschedule pk 2 column period: wanted one of days, hours, minutes, seconds, microseconds, found "fortnights"`,
      expect.stringMatching(
        /^django_celery_beat_solarschedule pk 1 column event: wanted one of dawn_astronomical, .*, found "eclipse"$/,
      ),
      'django_celery_beat_clockedschedule pk 1 column clocked_time: wanted a time such as 2026-12-01 06:00:00+00:00, found "tomorrow"',
    ]);
  });

  it('tells tables and columns that are not there', async () => {
    const name = await database(
      'old.sqlite3',
      `drop table django_celery_beat_clockedschedule; alter table ${TASKS} drop column headers`,
    );
    const { code, issues } = await refusal({ database: name });
    expect(code).toBe('import.invalid');
    expect(issues.map(({ path }) => path)).toEqual([`${TASKS}.headers`, 'django_celery_beat_clockedschedule']);
    expect(issues[0]!.message).toContain('manage.py migrate django_celery_beat');
  });

  it('tells the faults of a beat_schedule', async () => {
    const file = await json('faulty.json', {
      one: { schedule: '0 4 * *' },
      two: { task: 'a', schedule: { minute: 'x', hour: '25' }, args: {} },
      three: { task: 'a', schedule: { solar: { event: 'sunset' } }, options: { priority: 1.5, expires: 'soon' } },
    });
    const { code, issues } = await refusal({ file });
    expect(code).toBe('import.invalid');
    expect(issues.map(({ path }) => path)).toEqual([
      'beat_schedule "one" task',
      'beat_schedule "one" schedule',
      'beat_schedule "two" args',
      'beat_schedule "two" schedule.minute',
      'beat_schedule "two" schedule.hour',
      'beat_schedule "three" options.expires',
      'beat_schedule "three" options.priority',
      'beat_schedule "three" schedule',
    ]);
  });

  it.each([
    [{ database: 'mysql://root@localhost/app' }, 'usage.database', '"mysql" databases are not read here'],
    [{ database: 'absent.sqlite3' }, 'import.unreadable', 'Cannot read "absent.sqlite3": no such file'],
    [{ database: 'text.json' }, 'import.unreadable', 'is no database of SQLite'],
    [{ file: 'text.json' }, 'import.unreadable', 'neither JSON nor a database of SQLite'],
    [
      { database: 'postgres://u:secret@127.0.0.1:9/app' },
      'import.unreadable',
      'Cannot read "postgres://u@127.0.0.1:9/app": connect ECONNREFUSED',
    ],
  ])('refuses %j', async (source, code, message) => {
    await writeFile(join(folder, 'text.json'), 'no JSON');
    const error = await refusal(source);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('secret');
    if (code === 'usage.database') expect(error.message).toContain('manage.py dumpdata');
  });

  it('is a database whose write-ahead log is not in it yet', async () => {
    await copyFile(join(FIXTURES, 'beat.sqlite3'), join(folder, 'busy.sqlite3'));
    await writeFile(join(folder, 'busy.sqlite3-wal'), 'rows');
    const error = await refusal({ database: 'busy.sqlite3' });
    expect(error.message).toContain('"PRAGMA wal_checkpoint(TRUNCATE)"');
    await writeFile(join(folder, 'busy.sqlite3-wal'), '');
    expect(await read({ database: 'busy.sqlite3' })).toHaveLength(57);
  });
});
