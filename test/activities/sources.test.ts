import { appendFile, readFile, utimes } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine('sources');
});
afterAll(() => engine.stop());

const count = {
  use: 'sql',
  with: { map: 'select count(*) n from chunk', reduce: 'select sum(n)::int n from partials' },
};

describe('sources', () => {
  it.each([
    ['one chunk', 'auto'],
    ['many chunks', { bytes: 300 }],
  ])('NDJSON in %s', async (_, chunk) => {
    const rows = Array.from({ length: 200 }, (_, i) => ({ id: i, name: `ü ${i}`, tags: [i, { deep: true }] }));
    const uri = await engine.write('some.ndjson', rows.map((row) => JSON.stringify(row)).join('\n'));
    const sink = { uri: engine.at('some-out.ndjson'), ifExists: 'replace' };
    const { counts } = await engine.run({ source: { uri }, process: { use: 'pass' }, sink, options: { chunk } });
    expect(counts.in).toBe(200);
    expect(await engine.read('some-out.ndjson')).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  });

  it('several files by a glob, in the order of their names', async () => {
    for (const name of ['b', 'a', 'c']) await engine.write(`several/${name}.csv`, `id,from\n1,${name}\n2,${name}\n`);
    const { rows, manifestFile } = await engine.run({
      source: { uri: engine.at('several/*.csv') },
      process: { use: 'pass' },
    });
    expect(rows!.map(({ id, from }) => `${String(from)}${String(id)}`)).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
    expect(manifestFile.sources).toHaveLength(3);
  });

  it.each([
    ['a processor', { use: 'pass' }],
    ['SQL', { use: 'sql', with: { map: 'select * from chunk' } }],
  ])('CSV of a dialect that nobody has named, for %s', async (_, process) => {
    const lines = Array.from({ length: 50 }, (_, n) => `${n};'x; ${n}';0,5\n`).join('');
    const uri = await engine.write('dialect.csv', `n;text;half\n${lines}`);
    const csv = { delimiter: 'auto', quote: 'auto' };
    const { rows } = await engine.run({ source: { uri, csv }, process, options: { chunk: { bytes: 200 } } });
    expect(rows).toHaveLength(50);
    expect(rows![7]).toEqual({ n: 7, text: 'x; 7', half: '0,5' });
  });

  it('Parquet into a record processor, by rows', async () => {
    const items = Array.from({ length: 250 }, (_, n) => ({ n, half: n / 2 + 0.25, text: `n ${n}` }));
    const uri = engine.at('items.parquet');
    await engine.run({
      source: { items },
      process: { use: 'sql', with: { map: 'select * from chunk' } },
      sink: { uri },
    });
    const options = { chunk: { rows: 100 } };
    const { counts, chunks, rows } = await engine.run({ source: { uri }, process: { use: 'pass' }, options });
    expect(chunks).toBe(3);
    expect(counts).toMatchObject({ in: 250, used: 250, out: 250 });
    expect(rows).toEqual(items);
  });

  it.each([
    ['a processor', { use: 'pass' }],
    ['sql', { use: 'sql', with: { map: 'select * from chunk' } }],
  ])(
    'damaged pages of Parquet are an error with %s, each of all its columns, and the worker goes on',
    async (_, process) => {
      const items = Array.from({ length: 2500 }, (_, n) => ({ n, half: n / 2, text: `text ${(n * 7919) % 1000}` }));
      const whole = { uri: engine.at('whole.parquet'), ifExists: 'replace' };
      const copy = { use: 'sql', with: { map: 'select * from chunk' } };
      await engine.run({ source: { items }, process: copy, sink: whole });
      const bytes = await readFile(whole.uri);
      const uri = await engine.write('damaged.parquet', bytes.fill(0xa5, 40, Math.floor(bytes.length * 0.9)));
      const spec = { source: { uri }, process, options: { retry: { attempts: 1 } } };
      expect((await engine.fail(spec)).code).toBe('source.corrupt_parquet');
      expect((await engine.run({ source: { items: [{ n: 1 }] }, process: { use: 'pass' } })).rows).toEqual([{ n: 1 }]);
    },
  );

  it('a header and nothing else', async () => {
    const uri = await engine.write('header.csv', 'a,b\n');
    const sink = { uri: engine.at('header-out.csv') };
    const { counts } = await engine.run({ source: { uri }, process: { use: 'pass' }, sink });
    expect(counts).toEqual({ in: 0, used: 0, filtered: 0, rejected: 0, out: 0 });
    expect((await engine.run({ source: { uri }, process: count })).rows).toEqual([{ n: 0 }]);
  });

  it('an empty file: no NDJSON records, but no CSV either', async () => {
    const ndjson = await engine.write('empty.ndjson', '');
    expect((await engine.run({ source: { uri: ndjson }, process: { use: 'pass' } })).rows).toEqual([]);
    const csv = await engine.write('empty.csv', '');
    expect((await engine.fail({ source: { uri: csv }, process: { use: 'pass' } })).code).toBe('source.empty');
  });

  it('are not there, or are a folder', async () => {
    const fail = (uri: string) => engine.fail({ source: { uri, format: 'csv' }, process: { use: 'pass' } });
    expect((await fail(engine.at('nowhere.csv'))).code).toBe('source.not_found');
    expect((await fail(engine.data)).code).toBe('source.not_a_file');
  });
});

describe('a source that changes between plan and read', () => {
  it.each([
    ['grown', (file: string) => appendFile(file, '1,2\n')],
    ['touched', (file: string) => utimes(file, 1, 1)],
  ])('fails the job at once and publishes nothing: %s', async (how, change) => {
    const uri = await engine.write(`${how}.csv`, `a,b\n${'1,2\n'.repeat(3000)}`);
    const sink = { uri: engine.at(`${how}-out.csv`) };
    const spec = {
      source: { uri },
      process: { use: 'slow', with: { ms: 300 } },
      sink,
      options: { chunk: { bytes: 2000 }, concurrency: 1, retry: { first: '10ms' } },
    };
    const { id, handle } = await engine.start(spec);
    await expect.poll(() => engine.workOf(id)).toContainEqual(expect.stringContaining('receipts/'));
    await change(uri);
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'source.changed' } });
    const { events } = await handle.fetchHistory();
    const attempts = events!.flatMap((event) => event.activityTaskStartedEventAttributes?.attempt ?? []);
    expect(new Set(attempts)).toEqual(new Set([1]));
    expect(existsSync(sink.uri)).toBe(false);
    expect(await engine.workOf(id)).toContain('ended.json');
  });

  it('fails the job when that happens while its last chunk is read', async () => {
    const uri = await engine.write('late.csv', `a,b\n${'1,2\n'.repeat(3000)}`);
    const spec = { source: { uri }, process: { use: 'slow', with: { ms: 400 } } };
    const { handle } = await engine.start(spec);
    await expect
      .poll(async () => (await handle.describe()).raw.pendingActivities?.length, { interval: 20 })
      .toBeGreaterThan(0);
    await new Promise((later) => setTimeout(later, 300));
    await utimes(uri, 1, 1);
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'source.changed' } });
  });
});
