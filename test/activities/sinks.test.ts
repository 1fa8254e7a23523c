import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { MockActivityEnvironment } from '@temporalio/testing';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActivities } from '../../activities/index.js';
import type { CommitInput } from '../../src/contract.js';
import type { JobResult, Manifest } from '../../src/core/job.js';
import { createThreadPool } from '../../src/processors/pool.js';
import { createFileStore } from '../../src/stores/file-store.js';
import { createWorkArea } from '../../src/stores/work-area.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { noNotices } from '../helpers/no-notices.js';

let engine: Engine;
let source: string;
const rows = Array.from({ length: 300 }, (_, i) => ({
  id: i,
  name: i % 7 === 0 ? 'a "b", c' : `n${i}`,
  half: i / 2 + 0.25,
}));

beforeAll(async () => {
  engine = await startEngine('sinks');
  const lines = rows.map(({ id, name, half }) => `${id},"${name.replaceAll('"', '""')}",${half}`);
  source = await engine.write('in/source.csv', ['id,name,half', ...lines, ''].join('\n'));
});
afterAll(() => engine.stop());

const pass = { use: 'pass' };
const sql = { use: 'sql', with: { map: 'select * from chunk' } };
const job = (process: unknown, sink: object, options: object = { chunk: { bytes: 700 } }) => ({
  source: { uri: source },
  process,
  sink,
  options,
});

/** The rows of files, by a reader that is not ours. */
async function readBack(files: string | string[]): Promise<unknown[]> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const names = [files].flat();
  const reader = names[0]!.endsWith('.parquet')
    ? 'read_parquet'
    : /\.csv(\.gz)?$/.test(names[0]!)
      ? 'read_csv'
      : 'read_json';
  const list = `[${names.map((name) => `'${name}'`).join(', ')}]`;
  const result = await connection.runAndReadAll(`select id::int id, name, half from ${reader}(${list})`);
  connection.closeSync();
  instance.closeSync();
  return result.getRowObjectsJson();
}

async function folderOf(name: string): Promise<string[]> {
  return (await readdir(engine.at(name))).sort();
}

async function checkParts(manifest: Manifest): Promise<void> {
  for (const part of manifest.parts) {
    const bytes = await readFile(part.uri);
    expect(bytes.length).toBe(part.bytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(part.sha256);
  }
}

describe.each([
  ['a processor', pass],
  ['sql', sql],
])('the output of %s', (by, process) => {
  const dir = by.replaceAll(' ', '-');

  it.each(['csv', 'ndjson', 'parquet'])(
    'is one %s file with a manifest beside it, and nothing else',
    async (format) => {
      const target = engine.at(`${dir}-${format}/out.${format}`);
      const { counts, output, manifestFile } = await engine.run(job(process, { uri: target }));
      expect(counts).toMatchObject({ in: 300, used: 300, out: 300 });
      expect(output).toMatchObject({ uri: target, single: true, format, records: 300 });
      expect(await readBack(target)).toEqual(rows);
      expect(await folderOf(`${dir}-${format}`)).toEqual([`out.${format}`, `out.${format}.manifest.json`]);
      expect(JSON.parse(await engine.read(`${dir}-${format}/out.${format}.manifest.json`))).toEqual(manifestFile);
      await checkParts(manifestFile);
      if (format === 'csv') expect((await engine.read(`${dir}-csv/out.csv`)).match(/id,name,half/g)).toHaveLength(1);
    },
  );

  it.each(['csv', 'ndjson', 'parquet'])('is a folder of %s parts with their manifest', async (format) => {
    const name = `${dir}-${format}-parts`;
    const { manifestFile } = await engine.run(job(process, { uri: `${engine.at(name)}/`, format }));
    const files = await folderOf(name);
    expect(files).toEqual(['manifest.json', ...manifestFile.parts.map(({ uri }) => uri.split('/').at(-1))]);
    expect(manifestFile.parts.length).toBeGreaterThan(4);
    expect(JSON.parse(await engine.read(`${name}/manifest.json`))).toEqual(manifestFile);
    await checkParts(manifestFile);
    expect(await readBack(manifestFile.parts.map(({ uri }) => uri))).toEqual(rows);
    expect((await readdir(engine.data)).filter((entry) => entry.startsWith('.'))).toEqual([]);
  });
});

describe.each([
  ['a processor', pass],
  ['sql', sql],
  ['sql that reduces', { use: 'sql', with: { map: 'select * from chunk', reduce: 'from partials order by id' } }],
])('the output of %s, compressed', (by, process) => {
  const dir = `zip-${by.replaceAll(' ', '-')}`;

  it.each(['csv', 'ndjson'])('is one gzip file of %s, whose text is that of the plain file', async (format) => {
    const [plain, packed] = ['', '.gz'].map((end) => engine.at(`${dir}/out.${format}${end}`));
    await engine.run(job(process, { uri: plain }));
    const { output, manifestFile, rows: inline } = await engine.run(job(process, { uri: packed }));
    expect(output).toMatchObject({ format, gzip: true, records: 300 });
    expect(inline).toBeUndefined();
    expect(gunzipSync(await readFile(packed!)).toString()).toBe(await readFile(plain!, 'utf8'));
    await checkParts(manifestFile);
    const back = await engine.run({ source: { uri: packed }, process: pass });
    expect(back.rows).toEqual(rows);
  });

  it.each(['csv', 'ndjson'])('is a folder of gzip files of %s, each whole by itself', async (format) => {
    const sink = { uri: `${engine.at(`${dir}-${format}`)}/`, format, compression: 'gzip' };
    const { manifestFile, id } = await engine.run(job(process, sink));
    const names = manifestFile.parts.map(({ uri }) => uri.split('/').at(-1)!);
    for (const name of names) expect(name).toMatch(new RegExp(`^part-\\d{5}\\.${format}\\.gz$`));
    await checkParts(manifestFile);
    expect(await readBack(manifestFile.parts.map(({ uri }) => uri))).toEqual(rows);
    expect((await engine.run({ source: { job: id }, process: pass })).rows).toEqual(rows);
  });

  it.each(['none', 'gzip', 'zstd', 'snappy'])('is Parquet by the codec %s', async (compression) => {
    for (const uri of [engine.at(`${dir}/${compression}.parquet`), `${engine.at(`${dir}-${compression}`)}/`]) {
      const { manifestFile } = await engine.run(job(process, { uri, format: 'parquet', compression }));
      const { uri: part } = manifestFile.parts[0]!;
      const { row_groups } = await parquetMetadataAsync(await asyncBufferFromFile(part));
      const codecs = new Set(row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data!.codec)));
      expect([...codecs]).toEqual([compression === 'none' ? 'UNCOMPRESSED' : compression.toUpperCase()]);
      expect(await readBack(manifestFile.parts.map(({ uri: each }) => each))).toEqual(rows);
    }
  });
});

it('gzipped output of no records is a gzip file of no text', async () => {
  const none = { use: 'sql', with: { map: 'select * from chunk where id < 0' } };
  await engine.run(job(none, { uri: engine.at('none.ndjson.gz') }));
  expect(gunzipSync(await readFile(engine.at('none.ndjson.gz'))).toString()).toBe('');
});

describe('a sink that is there already', () => {
  it.each(['twice/out.ndjson', 'twice-parts/'])('is an error before anything is read: %s', async (name) => {
    const sink = { uri: engine.at(name), format: 'ndjson' };
    await engine.run(job(pass, sink));
    const before = await folderOf(name.split('/')[0]!);
    expect((await engine.fail(job(sql, sink))).code).toBe('sink.exists');
    expect(await folderOf(name.split('/')[0]!)).toEqual(before);
  });

  it.each(['again/out.ndjson', 'again-parts/'])('is replaced when asked: %s', async (name) => {
    const sink = { uri: engine.at(name), format: 'ndjson', ifExists: 'replace' };
    await engine.run(job(pass, sink));
    const { manifestFile } = await engine.run(
      job({ use: 'sql', with: { map: 'select id from chunk where id < 3' } }, sink),
    );
    const texts = await Promise.all(manifestFile.parts.map(({ uri }) => readFile(uri, 'utf8')));
    expect(texts.join('')).toBe('{"id":0}\n{"id":1}\n{"id":2}\n');
    await checkParts(manifestFile);
    const onDisk = name.endsWith('/') ? `${name}manifest.json` : `${name}.manifest.json`;
    expect(JSON.parse(await engine.read(onDisk))).toEqual(manifestFile);
    expect((await readdir(engine.data)).filter((entry) => entry.startsWith('.'))).toEqual([]);
  });
});

describe('a job that does not complete', () => {
  const retry = { attempts: 1 };

  it.each(['failed/out.csv', 'failed-parts/'])(
    'leaves no output and no manifest, and what a retry begins with: %s',
    async (name) => {
      const sink = { uri: engine.at(name), format: 'csv' };
      const spec = job({ use: 'odd-jobs' }, sink, { chunk: { bytes: 700 }, retry });
      const throwing = await engine.write(
        'in/throws.csv',
        `job,n\n${'greet,1\n'.repeat(400)}throw,2\n${'greet,1\n'.repeat(400)}`,
      );
      const { code, id } = await engine.fail({ ...spec, source: { uri: throwing } });
      expect(code).toBe('processor.failed');
      expect(existsSync(engine.at(name))).toBe(false);
      expect((await readdir(engine.data)).filter((entry) => entry.startsWith('.'))).toEqual([]);
      expect(await engine.workOf(id)).toEqual(expect.arrayContaining(['ended.json', 'plan.json']));
      expect(await engine.staging()).toEqual([]);
    },
  );

  it('keeps what it was to replace', async () => {
    const target = await engine.write('keep/out.csv', 'old\n');
    const spec = job({ use: 'odd-jobs' }, { uri: target, ifExists: 'replace' }, { retry });
    await engine.fail({ ...spec, source: { items: [{ job: 'throw' }] } });
    expect(await folderOf('keep')).toEqual(['out.csv']);
    expect(await engine.read('keep/out.csv')).toBe('old\n');
  });
});

describe('commit', () => {
  it('done again, after the worker died at any point behind it, gives the same result', async () => {
    const { config } = engine;
    const target = engine.at('commit-twice/out.ndjson');
    const { id, ...first } = await engine.run(job(pass, { uri: target }));
    const pool = createThreadPool({ ...config, threads: 1 });
    const activities = createActivities({
      ...noNotices,
      files: createFileStore({ roots: config.roots, cwd: engine.data }),
      work: await createWorkArea(config.work),
      pool,
      threads: () => Promise.resolve(1),
    });
    const input: CommitInput = { job: id, startedAt: new Date(0).toISOString() };
    const second = await new MockActivityEnvironment().run<[CommitInput], JobResult, typeof activities.commit>(
      activities.commit,
      input,
    );
    await pool.close();
    const { manifestFile, receipts, rejected, ...result } = first;
    expect(second).toEqual(JSON.parse(JSON.stringify(result)));
    expect(JSON.parse(await engine.read('commit-twice/out.ndjson.manifest.json'))).toEqual(manifestFile);
    expect([receipts.length > 1, rejected]).toEqual([true, []]);
  });
});

describe('Parquet with row groups of a size', () => {
  it.each([
    ['SQL in one chunk', 'auto', { use: 'sql', with: { map: 'select * from chunk' } }],
    ['SQL in many', { rows: 700 }, { use: 'sql', with: { map: 'select * from chunk' } }],
    ['a processor', { rows: 700 }, { use: 'pass' }],
  ])('has them from %s', async (_, chunk, process) => {
    const items = Array.from({ length: 7000 }, (_, n) => ({ n }));
    const uri = engine.at('row-groups.parquet');
    await engine.run({
      source: { items },
      process,
      sink: { uri, rowGroupRows: 2048, ifExists: 'replace' },
      options: { chunk },
    });
    const { row_groups: groups } = await parquetMetadataAsync(await asyncBufferFromFile(uri));
    const sizes = groups.map((group) => Number(group.num_rows));
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(7000);
    expect(sizes).toHaveLength(4);
    // The engine ends a group with the batch of rows that makes it full.
    for (const size of sizes.slice(0, -1)) {
      expect(size).toBeGreaterThanOrEqual(2048);
      expect(size).toBeLessThan(2048 + 700);
    }
  });
});
