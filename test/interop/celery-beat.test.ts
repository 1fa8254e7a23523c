import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSource } from '../../src/migrate/read-source.js';
import { agree, compareAll, readMoments, shown } from '../migrate/support/celery-times.js';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.js';

const run = promisify(execFile);
const FIXTURES = fileURLToPath(new URL('../migrate/fixtures', import.meta.url));
/** `npm run test:interop`: it fetches Python packages. */
const ON = process.env.INTEROP !== undefined;

describe.runIf(ON)('django-celery-beat itself', () => {
  let folder: string;
  let python: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-interop-'));
    python = join(folder, 'venv/bin/python');
    await run('python3', ['-m', 'venv', join(folder, 'venv')]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '-r', join(FIXTURES, 'requirements.txt')]);
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true }));

  async function expectAgreement(database: string, times: string): Promise<void> {
    const entries = await readSource({ database, cwd: folder, timezone: 'UTC' });
    const compared = compareAll(entries, await readMoments(join(times, 'celery-times.json')));
    expect(compared.length).toBeGreaterThan(57 * 10);
    expect(compared.filter((one) => !agree(one, one.celery, one.copy)).map((one) => shown(one, one.copy))).toEqual([]);
    const silent = compared.filter(
      ({ outcome, ...one }) =>
        one.ours !== null &&
        outcome.comparison!.difference === null &&
        !(
          one.celery.length === one.ours.length &&
          one.ours.every((time, n) => agree(one as never, [time], [one.celery[n]!]) || time - one.celery[n]! === 1000)
        ),
    );
    expect(silent.map((one) => shown(one, one.ours!))).toEqual([]);
  }

  it('fires as we say that it does: SQLite', { timeout: 120_000 }, async () => {
    const made = join(folder, 'sqlite');
    await run(python, [join(FIXTURES, 'make.py'), made]);
    // The fixtures of the other tests are what it says.
    expect(await readMoments(join(made, 'celery-times.json'))).toEqual(
      await readMoments(join(FIXTURES, 'celery-times.json')),
    );
    await expectAgreement('sqlite/beat.sqlite3', made);
    await copyFile(join(made, 'dumpdata.json'), join(folder, 'dump.json'));
    const read = (source: { database?: string; file?: string }) =>
      readSource({ ...source, cwd: folder, timezone: 'UTC' });
    expect(await read({ file: 'dump.json' })).toEqual(await read({ database: 'sqlite/beat.sqlite3' }));
  });

  describe('in PostgreSQL', () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startPostgres();
    }, 60_000);
    afterAll(() => server.stop());

    it('has the same entries, which fire the same', { timeout: 120_000 }, async () => {
      const made = join(folder, 'postgres');
      await run(python, [join(FIXTURES, 'make.py'), made, '--postgres', server.url]);
      await expectAgreement(server.url, made);
      const read = (database: string) => readSource({ database, cwd: folder, timezone: 'UTC' });
      const entries = await read(server.url);
      expect(entries).toEqual(await read('sqlite/beat.sqlite3'));
      expect(await read(server.url.replace('postgres:', 'postgresql+psycopg:'))).toEqual(entries);
    });

    it('is found along the search path, and told of where it is not', async () => {
      await expect(
        readSource({ database: `${server.url}?options=-csearch_path%3Dnowhere`, cwd: folder, timezone: 'UTC' }),
      ).rejects.toMatchObject({
        code: 'import.invalid',
        issues: expect.arrayContaining([
          expect.objectContaining({ path: 'django_celery_beat_periodictask' }),
        ]) as unknown,
      });
      const absent = server.url.replace(/postgres$/, 'absent');
      await expect(readSource({ database: absent, cwd: folder, timezone: 'UTC' })).rejects.toMatchObject({
        code: 'import.unreadable',
        message: expect.stringContaining('database "absent" does not exist') as unknown,
      });
    });
  });
});
