/** Outputs whose parts lie in folders named by values: `sink.partitionBy`. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

let engine: Engine;
const ROWS = 3000;
/** What folders have to be escaped for, and null. */
const CITIES = ['Köln', "a/b=c %!'(*)", '', null, '..', 'x\ny'];
const cityOf = (n: number) => CITIES[n % CITIES.length]!;
const records = Array.from({ length: ROWS }, (_, n) => ({
  n,
  year: 2020 + (n % 3),
  city: cityOf(n),
  text: `t"${n},\n`,
}));
beforeAll(async () => {
  engine = await startEngine('partitioned');
  await engine.write('in.ndjson', records.map((row) => `${JSON.stringify(row)}\n`).join(''));
});
afterAll(() => engine.stop());

const sql = { use: 'sql', with: { map: 'select n, year, city, text from chunk' } };
const pass = { use: 'pass' };
const job = (process: object, sink: object, more: object = {}) => ({
  source: { uri: engine.at('in.ndjson') },
  process,
  sink,
  options: { chunk: { bytes: 60_000 } },
  ...more,
});
const to = (name: string, more: object = {}) => ({
  uri: engine.at(`${name}/`),
  format: 'parquet',
  partitionBy: ['year', 'city'],
  ...more,
});

async function rows(statement: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const found = (await connection.runAndReadAll(statement)).getRowObjectsJson();
  connection.disconnectSync();
  instance.closeSync();
  return found;
}

async function files(name: string): Promise<string[]> {
  const found = await readdir(engine.at(name), { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(engine.at(name), path.join(entry.parentPath, entry.name)))
    .sort();
}

describe('a partitioned output', () => {
  const forms = ['parquet', 'csv', 'ndjson'] as const;
  it.each([sql, pass].flatMap((process) => forms.map((format) => ({ process, format, use: process.use }))))(
    'of $use as $format is read by the SQL engine as one table, in source order within each file',
    async ({ process, format, use }) => {
      const name = `${use}-${format}`;
      const { manifestFile, output, counts } = await engine.run(job(process, to(name, { format })));
      expect(counts).toMatchObject({ in: ROWS, out: ROWS });
      expect(output).toMatchObject({ records: ROWS, partitionBy: ['year', 'city'], single: false });
      expect(output.columns.map((column) => column.name)).toEqual(
        use === 'pass' && format === 'ndjson' ? [] : ['n', 'text'],
      );
      const read = { parquet: 'read_parquet', csv: 'read_csv', ndjson: 'read_json' }[format];
      const types = format === 'parquet' ? '' : `, columns = {n: 'int', text: 'varchar'}`;
      const csv = format === 'csv' ? ', header = true' : format === 'ndjson' ? `, format = 'newline_delimited'` : '';
      const found = await rows(
        `select n::int n, year::int as year, city, text from ${read}('${engine.at(name)}/**/part-*.${format}', hive_partitioning = true, hive_types_autocast = false${types}${csv}) order by n`,
      );
      expect(found).toEqual(records);
      // The manifest names every file, and every file is what it says.
      const listed = manifestFile.parts.map(({ uri }) => path.relative(engine.at(name), uri)).sort();
      expect([...listed, 'manifest.json'].sort()).toEqual(await files(name));
      for (const part of manifestFile.parts) {
        const bytes = await readFile(part.uri);
        expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([part.bytes, part.sha256]);
        expect(part.uri).toContain(`/${part.partition}/part-`);
      }
      expect(listed).toContain('year=2020/city=__HIVE_DEFAULT_PARTITION__/part-00000.' + format);
      expect(manifestFile.parts.reduce((sum, part) => sum + part.records, 0)).toBe(ROWS);
      if (format === 'ndjson') {
        const [one] = manifestFile.parts;
        const numbers = (await readFile(one!.uri, 'utf8'))
          .trim()
          .split('\n')
          .map((line) => (JSON.parse(line) as { n: number }).n);
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      }
      expect(await engine.staging()).toEqual([]);
    },
  );

  it('may be gzipped, reduced, and have one part', async () => {
    const map = 'select city, year, count(*) k from chunk group by all';
    const reduce = 'select year, city, sum(k)::bigint as k from partials group by all order by all';
    const options = { chunk: { bytes: 1e9 } };
    for (const more of [{}, { options }]) {
      const sink = to('reduced', { format: 'csv', compression: 'gzip', partitionBy: 'year', ifExists: 'replace' });
      const { manifestFile } = await engine.run(job({ use: 'sql', with: { map, reduce } }, sink, more));
      expect(manifestFile.parts.map(({ partition }) => partition)).toEqual(['year=2020', 'year=2021', 'year=2022']);
      const text = gunzipSync(await readFile(engine.at('reduced/year=2021/part-00000.csv.gz'))).toString();
      expect(text.split('\n')[0]).toBe('city,k');
      expect(manifestFile.parts.map((part) => part.records)).toEqual([2, 2, 2]);
    }
  });

  it('of a small job travels inline', async () => {
    const source = {
      items: [
        { a: 1, b: 'x' },
        { a: 2, b: 'y' },
        { a: 3, b: 'x' },
      ],
    };
    for (const process of [pass, { use: 'sql', with: { map: 'from chunk' } }]) {
      await engine.run({
        source,
        process,
        sink: to('small', { format: 'ndjson', partitionBy: ['b'], ifExists: 'replace' }),
      });
      expect(await files('small')).toEqual(['b=x/part-00000.ndjson', 'b=y/part-00000.ndjson', 'manifest.json']);
      expect(await engine.read('small/b=x/part-00000.ndjson')).toBe('{"a":1}\n{"a":3}\n');
    }
  });

  it('takes what a retry mends, in its own folders', async () => {
    await engine.write('mixed.csv', 'year,n\n2020,1\n2021\n2020,3\n');
    const source = { uri: engine.at('mixed.csv') };
    const options = { rejects: { action: 'quarantine' } };
    const sink = to('mended', { format: 'csv', partitionBy: ['year'] });
    const { id, rejected } = await engine.run({ source, process: pass, sink, options });
    expect(await files('mended')).toEqual(['manifest.json', 'year=2020/part-00000.csv']);
    await engine.retried(id, [{ ...rejected[0]!, raw: '2021,2' }]);
    expect(await files('mended')).toEqual(['manifest.json', 'year=2020/part-00000.csv', 'year=2021/part-00001.csv']);
    expect(await engine.read('mended/year=2021/part-00001.csv')).toBe('n\n2\n');
  });

  it('is a source of another job, with its columns', async () => {
    const { id } = await engine.run(job(sql, to('chain')));
    const by = (source: object, process: object) =>
      engine.run({ source, process, sink: { uri: engine.at('chained.ndjson'), ifExists: 'replace' } });
    const wanted = [...records].sort((a, b) => a.n - b.n);
    for (const source of [{ job: id }, { uri: engine.at('chain/manifest.json') }]) {
      for (const process of [pass, { use: 'sql', with: { map: 'select n, year, city, text from chunk' } }]) {
        const { counts } = await by(source, process);
        expect(counts).toMatchObject({ in: ROWS, rejected: 0 });
        const got = (await engine.read('chained.ndjson'))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { n: number });
        expect(got.sort((a, b) => a.n - b.n)).toEqual(wanted);
      }
    }
  });

  it('without a record has no files, and is told as a source so', async () => {
    const process = { use: 'sql', with: { map: 'select n, year from chunk where false' } };
    const { id, counts } = await engine.run(job(process, to('empty', { partitionBy: ['year'] })));
    expect([counts.out, await files('empty')]).toEqual([0, ['manifest.json']]);
    expect(await engine.fail({ source: { job: id }, process: pass })).toMatchObject({ code: 'source.empty' });
  });

  it.each([pass, { use: 'sql', with: { map: 'from chunk' } }])('by $use takes no text for null', async (process) => {
    const source = {
      items: [
        { a: 1, b: null },
        { a: 2, b: '__HIVE_DEFAULT_PARTITION__' },
      ],
    };
    const sink = to('mistaken', { format: 'csv', partitionBy: ['b'] });
    const options = { retry: { attempts: 1 } };
    expect(await engine.fail({ source, process, sink, options })).toMatchObject({ code: 'sink.bad_partition' });
  });

  it.each(['csv', 'ndjson', 'parquet'])('of %s by any tool is read with its folders as columns', async (format) => {
    for (const [folder, n] of [
      ['year=2024/city=K%C3%B6ln', 1],
      ['year=2025/city=__HIVE_DEFAULT_PARTITION__', 2],
    ] as const)
      await engine.run({
        source: { items: [{ n, bad: 'x' }] },
        process: { use: 'sql', with: { map: 'from chunk' } },
        sink: { uri: engine.at(`hive-${format}/${folder}/x.${format}`) },
      });
    const source = { uri: engine.at(`hive-${format}/**/x.${format}`), partitions: 'hive' };
    const wanted = [
      { n: 1, bad: 'x', year: 2024, city: 'Köln' },
      { n: 2, bad: 'x', year: 2025, city: null },
    ];
    for (const process of [pass, { use: 'sql', with: { map: 'select n, bad, year, city from chunk' } }])
      expect((await engine.run({ source, process })).rows).toEqual(wanted);
    const schema = { properties: { year: { maximum: 2024 } } };
    const options = { rejects: { action: 'quarantine' } };
    const { rejected, id } = await engine.run({ source: { ...source, schema }, process: pass, options });
    expect(rejected).toMatchObject([{ code: 'row.schema' }]);
    // Read once more it has its folder's values still, and is rejected for them.
    expect((await engine.retried(id, rejected)).counts.rejected).toBe(1);
  });

  it.each([
    ['has no such column', { partitionBy: ['month'] }, 'sink.partition_column'],
    ['has no other column', { partitionBy: ['n', 'year', 'city', 'text'] }, 'sink.partition_column'],
    ['has too many values', { partitionBy: ['n'] }, 'sink.too_many_partitions', 100_000],
    ['has long values', { partitionBy: ['long'] }, 'sink.bad_partition'],
  ])('of SQL whose result %s is refused', async (_, more, code, bytes = 60_000) => {
    const long = { use: 'sql', with: { map: `select n, repeat('x', 300) as long from chunk` } };
    const process = more.partitionBy[0] === 'long' ? long : sql;
    const given = { ...job(process, to('refused', more)), options: { chunk: { bytes } } };
    expect(await engine.fail(given)).toMatchObject({ code });
    await expect(readdir(engine.at('refused'))).rejects.toThrow('ENOENT');
  });

  it.each([
    ['month', 'processor.bad_output', /no column "month"/],
    ['n', 'sink.too_many_partitions', /more than 1000/],
  ])('of a processor by %s is refused', async (column, code, message) => {
    const given = {
      ...job(pass, to('refused', { format: 'csv', partitionBy: [column] })),
      options: { chunk: { bytes: 100_000 }, retry: { attempts: 1 } },
    };
    expect(await engine.fail(given)).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(await engine.staging()).toEqual([]);
  });

  it.each([
    [{ uri: 'out.csv', partitionBy: ['a'] }, /is of folders/],
    [{ uri: 'postgres://db/t', partitionBy: ['a'] }, /a table has none/],
    [{ uri: 'out/', format: 'csv', partitionBy: ['a', 'a'] }, /twice/],
    [{ uri: 'out/', format: 'csv', partitionBy: [] }, /partitionBy/],
  ])('is refused before anything starts: %j', async (sink, message) => {
    expect(await engine.fail({ source: { items: [{ a: 1 }] }, process: pass, sink })).toMatchObject({
      code: 'spec.invalid',
      message: expect.stringMatching(message) as string,
    });
  });
});
