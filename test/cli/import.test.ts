import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDocuments } from '../../src/cli/schedules/read-documents.js';
import { parseSchedule } from '../../src/schema/schedule.js';
import { millrace, testIo } from './support/test-io.js';

const DATABASE = fileURLToPath(new URL('../migrate/fixtures/beat.sqlite3', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-import-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

const celeryBeat = (...args: string[]) => millrace(['import', 'celery-beat', ...args], { cwd: folder });

async function settings(name: string, value: unknown): Promise<string> {
  await writeFile(join(folder, name), JSON.stringify(value));
  return name;
}

describe('millrace import celery-beat', () => {
  it('shows what becomes of each entry, and exits 1 where some cannot be carried', async () => {
    const { code, out, err } = await celeryBeat('--database', DATABASE, '--dry-run');
    expect(err).toBe('');
    expect(code).toBe(1);
    const lines = out.trimEnd().split('\n');
    expect(lines.filter((line) => /^[-+~!] /.test(line))).toHaveLength(57);
    const friday = lines.findIndex(
      (line) => line.startsWith('+ friday the 13th') || line.startsWith('~ friday the 13th'),
    );
    expect(lines.slice(friday + 1, friday + 4)).toEqual([
      '    task    proj.tasks.friday -> processor proj-tasks-friday',
      '    was     crontab 13 13 13 * fri (m h dM MY d), Europe/Berlin',
      '    becomes at 13:13 on Friday on day 13 of the month, Europe/Berlin',
    ]);
    expect(out).toContain(
      [
        '- celery.backend_cleanup  skipped',
        '    task    celery.backend_cleanup',
        '    was     crontab 0 4 * * * (m h dM MY d), UTC',
        '    why     it empties the result backend of Celery; results here go by options.retention',
      ].join('\n'),
    );
    expect(lines.at(-2)).toMatch(/^57 entries: .*\d+ carried.*, 3 not carried, \d skipped$/);
    expect(lines.at(-1)).toBe('Nothing was changed');
  });

  it('writes what "schedules apply" reads, the same each time', async () => {
    const file = await settings('beat.json', {
      'Every minute': { task: 'proj.tick', schedule: 60, options: { queue: 'fast' } },
      report: { task: 'proj.report', schedule: '0 6 * * mon', args: ['eu'] },
    });
    const args = ['--file', file, '--out', 'beat.yaml', '--map', 'proj.tick=tick', '--timezone', 'Europe/Berlin'];
    const { code, out } = await celeryBeat(...args);
    expect(out).toContain('2 schedules are in "beat.yaml"; make them with: millrace schedules apply beat.yaml');
    expect(code).toBe(0);
    const first = await readFile(join(folder, 'beat.yaml'), 'utf8');
    await celeryBeat(...args);
    expect(await readFile(join(folder, 'beat.yaml'), 'utf8')).toBe(first);
    const documents = await readDocuments(['beat.yaml'], testIo({ cwd: folder }));
    const schedules = documents.map(({ document }) => parseSchedule(document).schedule);
    expect(schedules).toMatchObject([
      { id: 'every-minute', when: { every: { intervalMs: 60_000, offsetMs: 0 } }, spec: { process: { use: 'tick' } } },
      { id: 'report', when: { cron: ['0 6 * * mon'] }, timezone: 'Europe/Berlin', overlap: 'allowAll' },
    ]);
  });

  it('answers one document with --json', async () => {
    const file = await settings('one.json', { report: { task: 'proj.report', schedule: '0 6 * * *' } });
    const { code, out } = await celeryBeat('--file', file, '--dry-run', '--json');
    const { entries, total } = JSON.parse(out) as { entries: Array<Record<string, unknown>>; total: string };
    expect(code).toBe(0);
    expect(total).toBe('1 entry: 1 carried');
    expect(entries[0]).toMatchObject({
      name: 'report',
      fate: 'carried',
      schedule: { id: 'report' },
      next: { difference: null },
    });
  });

  it('tells all faults of a source, changes nothing and exits 64', async () => {
    const file = await settings('faulty.json', { a: { task: 'a', schedule: '61 25 * * *' } });
    const { code, out, err } = await celeryBeat('--file', file, '--out', 'never.yaml');
    expect(out).toBe('');
    expect(err.split('\n').slice(0, 3)).toEqual([
      'error "faulty.json" has 2 faults; nothing was changed [import.invalid]',
      '  beat_schedule "a" schedule.minute: crontab field "61": wanted 0 to 59, found "61"',
      '  beat_schedule "a" schedule.hour: crontab field "25": wanted 0 to 23, found "25"',
    ]);
    expect(code).toBe(64);
    await expect(readFile(join(folder, 'never.yaml'))).rejects.toThrow('ENOENT');
  });

  it.each([
    [[], 'Wanted either --database or --file'],
    [['--file', 'a', '--database', 'b'], 'Wanted either --database or --file'],
    [['--file', 'one.json', '--timezone', 'Mars'], '"Mars" is no time zone'],
    [['--file', 'one.json', '--map', 'nothing'], '--map "nothing": wanted task=processor'],
    [['--file', 'one.json', '--map', 'proj.other=x'], 'there is no entry with task "proj.other"'],
    [['--database', 'mysql://localhost/a'], 'manage.py dumpdata'],
  ])('%j is a usage error', async (args, message) => {
    await settings('one.json', { report: { task: 'proj.report', schedule: '0 6 * * *' } });
    const { code, err } = await celeryBeat(...args);
    expect(err).toContain(message);
    expect(code).toBe(64);
  });
});
