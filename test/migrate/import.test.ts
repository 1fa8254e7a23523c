import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MillraceError } from '../../src/core/errors.js';
import { parseSpec } from '../../src/schema/spec.js';
import { beatEntries } from '../../src/migrate/beat-entries.js';
import type { BeatTables } from '../../src/migrate/beat-tables.js';
import { readDatabase } from '../../src/migrate/read-database.js';
import { readFileText } from '../../src/migrate/read-file.js';
import { toSchedules } from '../../src/migrate/to-schedules.js';
import type { Imported } from '../../src/migrate/to-schedules.js';

// Made by Django and django-celery-beat themselves: `fixtures/make.py`.
const FIXTURES = fileURLToPath(new URL('fixtures/', import.meta.url));
const fixture = (name: string) => readFile(path.join(FIXTURES, name), 'utf8');

let folder: string;
let tables: BeatTables;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-import-'));
  tables = await readDatabase(path.join(FIXTURES, 'beat.sqlite3'));
});
afterAll(() => rm(folder, { recursive: true }));

const imported = (from: BeatTables, now: string, mapping: Partial<Parameters<typeof toSchedules>[1]> = {}) =>
  toSchedules(beatEntries(from), { processors: new Map(), ...mapping }, new Date(now));
const byName = (all: readonly Imported[], name: string) => all.find((one) => one.name === name)!;

describe('a database of django-celery-beat', () => {
  it('gives the same entries as its dump', async () => {
    expect(beatEntries(readFileText(await fixture('dump.json'), 'dump'))).toEqual(beatEntries(tables));
  });

  it('is carried whole, each entry or the reason why not', () => {
    const all = imported(tables, '2026-11-26T12:00:30Z');
    expect(all.length).toBe(tables.periodictask.length);
    for (const { document, remarks } of all) expect(document !== null || remarks.length === 1).toBe(true);
    expect(all.filter(({ document }) => !document).map(({ name, remarks }) => [name, remarks[0]])).toEqual([
      ['too often', 'every 500000 microseconds: the server fires at whole seconds, at least one apart'],
      ['once, and it ran', 'it was to run once and has run'],
      ['celery.backend_cleanup', "Celery's own cleaning of its result store; results here go by options.retention"],
    ]);
    expect(new Set(all.flatMap(({ document }) => document?.id ?? [])).size).toBe(all.length - 3);
    for (const { document } of all) if (document) expect(() => parseSpec(document.spec)).not.toThrow();
  });

  it('carries every field that means something here, and tells of the others', () => {
    const { document, remarks } = byName(
      imported(tables, '2026-11-26T12:00:30Z', { processors: new Map([['reports.daily', 'daily']]) }),
      'everything',
    );
    expect(document).toMatchObject({
      id: 'everything',
      spec: {
        name: 'everything',
        source: { items: [{ args: [1, 'zwei'], kwargs: { käse: { n: null } } }] },
        process: { use: 'daily' },
        options: { expires: '120s' },
      },
      when: { cron: '0 * * * *' },
      timezone: 'UTC',
      startAt: '2026-12-01T00:00:00.000Z',
      overlap: 'allowAll',
      paused: true,
      note: 'Every "hour"\nof the day',
    });
    expect(remarks).toEqual([
      'queue "slow" is not carried: every worker of the service takes every job',
      'exchange "ex" is not carried: every worker of the service takes every job',
      'routing_key "a.b" is not carried: every worker of the service takes every job',
      expect.stringMatching(/^headers .*"x.*is not carried/),
      'priority 9 is not carried: what it means depends on the broker; say --broker rabbitmq or redis',
    ]);
    const priority = (broker: 'rabbitmq' | 'redis') =>
      byName(imported(tables, '2026-11-26T12:00:30Z', { broker }), 'everything').document!.spec.options;
    expect(priority('rabbitmq')).toMatchObject({ priority: 1 });
    expect(priority('redis')).toMatchObject({ priority: 5 });
    expect(byName(imported(tables, '2026-11-26T12:00:30Z'), 'until').document).toMatchObject({
      endAt: '2027-12-01T00:00:00.000Z',
    });
    expect(byName(imported(tables, '2026-11-26T12:00:30Z'), 'once').document).toMatchObject({ maxRuns: 1 });
    expect(byName(imported(tables, '2026-11-26T12:00:30Z'), 'clocked').document).toMatchObject({
      when: { at: '2027-05-06T07:08:09Z' },
      maxRuns: 1,
    });
  });

  it('wants both day fields to match, as Celery does', () => {
    expect(byName(imported(tables, '2026-11-26T12:00:30Z'), 'cron 0 12 13 * fri Europe/Berlin').document!.when).toEqual(
      {
        calendar: { minute: '0', hour: '12', dayOfMonth: '13', month: '*', dayOfWeek: 'fri' },
      },
    );
  });
});

describe('the next five times are those that Celery itself told', () => {
  // Clocks are changed in Berlin on 2027-03-28 and 2027-10-31, in New York on 2027-11-07.
  it.each(['2026-11-26T12:00:30Z', '2027-03-26T12:00:30Z', '2027-10-30T05:00:30Z'])('from %s on', async (moment) => {
    const told = (JSON.parse(await fixture('celery.json')) as Record<string, Record<string, string[]>>)[moment]!;
    let compared = 0;
    const differing: string[] = [];
    for (const { name, document, ours, theirs } of imported(tables, moment)) {
      if (!document) continue;
      const celery = told[name]!.filter((time) => !document.startAt || time >= document.startAt.slice(0, 19));
      ours.slice(0, celery.length).forEach((time, n) => {
        compared++;
        const near = (one: string | undefined) =>
          one !== undefined && Math.abs(Date.parse(one) - Date.parse(celery[n]!)) <= 1000;
        if (!near(time)) differing.push(`${name}: ${time.slice(0, 19)}Z, Celery ${celery[n]}`);
        // Our own copy of its arithmetic, which is what a user sees beside ours.
        else expect(near(theirs[n]), `${name} ${n}: ${theirs[n]}, Celery ${celery[n]}`).toBe(true);
      });
    }
    expect(compared).toBeGreaterThan(150);
    expect(differing).toEqual(DIFFERING[moment] ?? []);
  });
});

/** The clock jumps from 02:00 to 03:00: Celery runs half an hour after that, the schedule at once. */
const DIFFERING: Record<string, string[]> = {
  '2027-03-26T12:00:30Z': ['cron 30 2 * * * Europe/Berlin: 2027-03-28T01:00:00Z, Celery 2027-03-28T01:30:00Z'],
};

describe('a beat_schedule as JSON', () => {
  it('is taken in every form of a schedule', () => {
    const text = JSON.stringify({
      often: { task: 'a.b', schedule: 30, args: [1], kwargs: { x: 1 }, options: { queue: 'q', expires: 60 } },
      cron: { task: 'a.c', schedule: { minute: '0', hour: 7, day_of_week: 1 } },
      wrapped: { task: 'a.d', schedule: { crontab: { minute: '*/5' } } },
      text: { task: 'a.e', schedule: '0 4 * * mon' },
      sun: { task: 'a.f', schedule: { event: 'sunset', lat: 52.5, lon: 13.4 } },
    });
    const all = imported(readFileText(text, 'x'), '2026-11-26T12:00:30Z');
    expect(all.map(({ name, document }) => [name, document!.when])).toEqual([
      ['often', { every: '30s' }],
      ['cron', { cron: '0 7 * * 1' }],
      ['wrapped', { cron: '*/5 * * * *' }],
      ['text', { cron: '0 4 * * mon' }],
      ['sun', { solar: { event: 'sunset', latitude: 52.5, longitude: 13.4 } }],
    ]);
    expect(all[0]!.document!.spec).toMatchObject({ options: { expires: '60s' } });
  });
});

describe('what is broken is named by table, row and column', () => {
  const faults = (change: (tables: BeatTables) => void) => {
    const copy = structuredClone(tables);
    change(copy);
    try {
      beatEntries(copy);
    } catch (error) {
      const { code, issues } = error as MillraceError;
      expect(code).toBe('import.invalid');
      return issues.map(({ path: at, message }) => `${at}: ${message}`);
    }
    return [];
  };

  it('all at once', () => {
    const row = (n: number) => `django_celery_beat_periodictask row ${n}, column`;
    expect(
      faults((broken) => {
        broken.periodictask[0]!.args = '[1,';
        broken.periodictask[1]!.interval_id = 999;
        broken.periodictask[2]!.crontab_id = 1;
        broken.periodictask[3]!.last_run_at = 'yesterday';
        broken.crontabschedule[0]!.hour = '25';
        broken.crontabschedule[1]!.timezone = 'Mars/Base';
      }),
    ).toEqual([
      `${row(1)} args: wanted a list as JSON, found "[1,"`,
      `${row(2)} interval_id: there is no row 999 in django_celery_beat_intervalschedule`,
      `${row(3)} interval_id: wanted one of interval, crontab, solar and clocked, found interval and crontab`,
      `${row(4)} last_run_at: wanted a time, found "yesterday"`,
      'django_celery_beat_crontabschedule row 1, column hour: "25" is not from 0 to 23',
      'django_celery_beat_crontabschedule row 2, column timezone: "Mars/Base" is no time zone',
    ]);
  });

  it.each([
    ['no.sqlite3', null, 'import.unreadable', /no such file/],
    ['text.sqlite3', 'hello', 'import.unreadable', /is no SQLite database/],
    [
      'mysql://h/db',
      null,
      'import.unreadable',
      /kind "mysql" cannot be read; write it to a file with "python manage.py dumpdata/,
    ],
    [
      'postgres://user:secret@127.0.0.1:1/db',
      null,
      'import.unreadable',
      /^the database "postgres:\/\/…@127.0.0.1:1\/db" cannot be read/,
    ],
  ])('%s', async (name, content, code, message) => {
    const at = name.includes('://') ? name : path.join(folder, name);
    if (content !== null) await writeFile(at, content);
    await expect(readDatabase(at)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it('a database without the tables, and one with changes beside it', async () => {
    const { default: initSqlJs } = await import('sql.js');
    const { Database } = await initSqlJs();
    const database = new Database();
    database.run('create table django_celery_beat_intervalschedule (id integer, every integer)');
    const at = path.join(folder, 'other.sqlite3');
    await writeFile(at, database.export());
    const refused = readDatabase(at) as Promise<unknown>;
    await expect(refused).rejects.toMatchObject({
      code: 'import.invalid',
      issues: expect.arrayContaining([
        { path: 'django_celery_beat_periodictask', message: 'there is no such table' },
        { path: 'django_celery_beat_intervalschedule.period', message: 'there is no such column' },
      ]) as unknown,
    });
    await copyFile(path.join(FIXTURES, 'beat.sqlite3'), path.join(folder, 'wal.sqlite3'));
    await writeFile(path.join(folder, 'wal.sqlite3-wal'), 'x');
    await expect(readDatabase(path.join(folder, 'wal.sqlite3'))).rejects.toThrow(/has changes beside it/);
  });
});
