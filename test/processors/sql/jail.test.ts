import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJail } from '../../../src/processors/sql/jail.js';

/** The jail by itself, before any check of statements: it is the wall that has to hold. */
describe('openJail', () => {
  let root: string;
  let scratch: string;
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;

  beforeAll(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-jail-')));
    scratch = join(root, 'scratch');
    mkdirSync(scratch);
    writeFileSync(join(root, 'secret.csv'), 'a\n1\n');
    writeFileSync(join(root, 'opened.csv'), 'a\n1\n');
    writeFileSync(join(scratch, 'inside.csv'), 'a\n1\n');
    symlinkSync(join(root, 'secret.csv'), join(scratch, 'link.csv'));
    instance = await openJail(scratch, 256 * 1024 * 1024, [join(root, 'opened.csv')]);
    connection = await instance.connect();
  });
  afterAll(() => {
    connection.disconnectSync();
    instance.closeSync();
    rmSync(root, { recursive: true, force: true });
  });

  const run = (sql: string) => connection.runAndReadAll(sql.replaceAll('ROOT', root).replaceAll('SCRATCH', scratch));

  it.each([
    `from read_text('/etc/passwd')`,
    `from read_blob('/etc/passwd')`,
    `from read_csv('ROOT/secret.csv')`,
    `from read_csv('SCRATCH/../secret.csv')`,
    `from read_csv('SCRATCH/link.csv')`,
    `from read_csv('file://ROOT/secret.csv')`,
    `from read_csv(['SCRATCH/inside.csv', 'ROOT/secret.csv'])`,
    `from 'ROOT/secret.csv'`,
    `from '/etc/passwd'`,
    `from read_csv('http://127.0.0.1:1/x.csv')`,
    `from read_parquet('s3://bucket/x.parquet')`,
    `from glob('/*')`,
    `from glob('ROOT/*')`,
    `from glob('SCRATCH/../*')`,
    `from sniff_csv('ROOT/secret.csv')`,
    `from read_text('/proc/self/environ')`,
    `select getenv('HOME')`,
    `copy (select 1) to 'ROOT/written.csv'`,
    `copy (select 1) to 'SCRATCH/../written.csv'`,
    `copy (select 1) to 'SCRATCH/link.csv'`,
    `export database 'ROOT/written'`,
    `attach 'ROOT/written.db'`,
    `attach 'https://127.0.0.1:1/x.db'`,
    `install httpfs`,
    `install httpfs from 'SCRATCH'`,
    `load httpfs`,
    `load 'SCRATCH/x.duckdb_extension'`,
    `set threads = 8`,
    `set memory_limit = '100GB'`,
    `set enable_external_access = true`,
    `set allowed_directories = ['/']`,
    `set allowed_paths = ['/etc/passwd']`,
    `set temp_directory = 'ROOT/x'`,
    `set lock_configuration = false`,
    `reset lock_configuration`,
    `reset allowed_directories`,
    `set session TimeZone = 'Asia/Tokyo'`,
    `pragma threads = 8`,
    `create secret s (type s3)`,
    `create persistent secret s (type http)`,
    `from duckdb_secrets()`,
  ])('refuses %s', async (sql) => {
    await expect(run(sql)).rejects.toThrow();
    expect(readdirSync(root).sort()).toEqual(['opened.csv', 'scratch', 'secret.csv']);
  });

  it('reads its scratch folder and the files it was opened for', async () => {
    for (const path of ['SCRATCH/inside.csv', 'ROOT/opened.csv'])
      expect((await run(`from read_csv('${path}')`)).currentRowCount).toBe(1);
  });

  it('writes no profile outside of its scratch folder', async () => {
    const other = await instance.connect();
    await other.run(`call enable_profiling(format = 'json', save_location = '${join(root, 'profile.json')}')`);
    await other.run('select 1').catch(() => undefined);
    other.disconnectSync();
    expect(existsSync(join(root, 'profile.json'))).toBe(false);
  });

  it('has one thread, the memory it was given, insertion order and UTC', async () => {
    const names = ['threads', 'memory_limit', 'preserve_insertion_order', 'TimeZone', 'autoload_known_extensions'];
    const rows = (
      await run(`select name, value from duckdb_settings() where name in (${names.map((n) => `'${n}'`).join()})`)
    ).getRowObjectsJson();
    expect(Object.fromEntries(rows.map((row) => [row.name, row.value]))).toEqual({
      threads: '1',
      memory_limit: '256.0 MiB',
      preserve_insertion_order: 'true',
      TimeZone: 'UTC',
      autoload_known_extensions: 'false',
    });
  });
});
