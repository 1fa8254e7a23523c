/** Files that can only be read from their beginning: compressed, in other encodings, arrays of JSON. */
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiOver } from '../helpers/api-over.js';
import { bgzip, zstdFrames } from '../helpers/framed.js';
import { startEngine } from '../helpers/engine.js';
import type { JobView } from '../../src/core/job.js';
import type { Engine } from '../helpers/engine.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine('packed');
});
afterAll(() => engine.stop());

const sum = {
  use: 'sql',
  with: {
    map: 'select count(*) n, sum(n) s from chunk',
    reduce: 'select sum(n)::int n, sum(s)::bigint s from partials',
  },
};
const pass = { use: 'pass' };
const csv = (from: number, to: number) =>
  `n,text\n${Array.from({ length: to - from }, (_, i) => `${from + i},"line, ${from + i}"\n`).join('')}`;
const TOTAL = { n: 3000, s: (2999 * 3000) / 2 };

describe('compressed files', () => {
  it.each([
    ['sql', sum],
    ['a processor', pass],
  ])('are one chunk each, read side by side: %s', async (_, process) => {
    for (const at of [0, 1000, 2000]) await engine.write(`gz/part-${at}.csv.gz`, gzipSync(csv(at, at + 1000)));
    const source = { uri: engine.at('gz/*.csv.gz') };
    const sink = { uri: engine.at('gz-out.csv'), ifExists: 'replace' };
    const { counts, chunks, rows, bytes, manifestFile } = await engine.run({
      source,
      process,
      ...(process === pass && { sink }),
      options: { chunk: { bytes: 100 } },
    });
    expect([counts.in, counts.rejected, chunks]).toEqual([3000, 0, 3]);
    if (process === pass) expect(await engine.read('gz-out.csv')).toBe(csv(0, 3000));
    else expect(rows).toEqual([TOTAL]);
    expect(bytes).toBe(manifestFile.sources.reduce((total, { size }) => total + size, 0));
  });

  it('of zstd, with what is wrong in them by its place in their text', async () => {
    const fixture = await readFile(fileURLToPath(new URL('../fixtures/packed/two-frames.csv.zst', import.meta.url)));
    const uri = await engine.write('two-frames.csv.zst', fixture);
    const { rows } = await engine.run({ source: { uri }, process: sum });
    expect(rows).toEqual([{ n: 20_000, s: (19_999 * 20_000) / 2 }]);

    const bad = await engine.write('bad.csv.gz', gzipSync('a,b\n1,2\n3\n4,5\n'));
    const options = { rejects: { action: 'quarantine', tolerate: 5 } };
    for (const process of [pass, { use: 'sql', with: { map: 'from chunk' } }]) {
      const { rejected, rows: good, id } = await engine.run({ source: { uri: bad }, process, options });
      expect(good).toEqual([
        { a: 1, b: 2 },
        { a: 4, b: 5 },
      ]);
      expect(rejected).toMatchObject([
        { source: bad, line: 3, record: 2, offset: 8, raw: '3', code: 'row.column_count' },
      ]);
      expect(await engine.workOf(id)).not.toContainEqual(expect.stringContaining('unpacked'));
    }
    expect(await engine.staging()).not.toContainEqual(expect.stringContaining('unpacked'));
  });

  it.each([
    ['bgzip', (text: Buffer) => bgzip(text)],
    ['zstd', (text: Buffer) => zstdFrames(text, 500_000)],
    ['seekable zstd', (text: Buffer) => zstdFrames(text, 500_000, { seekable: true })],
  ])('of %s have many chunks, and their records the same places as without', async (name, pack) => {
    const body = csv(0, 200_000).replace('150000,"line, 150000"\n', '150000\n');
    const plain = await engine.write(`${name}.csv`, body);
    const packed = await engine.write(`${name}.csv.pack`, pack(Buffer.from(body)));
    const options = { chunk: { bytes: 400_000 }, rejects: { action: 'quarantine' } };
    for (const process of [sum, pass]) {
      const ran = (uri: string, out: string) =>
        engine.run({
          source: { uri, format: 'csv' },
          process,
          ...(process === pass && { sink: { uri: engine.at(out), ifExists: 'replace' } }),
          options,
        });
      const [wanted, found] = [await ran(plain, 'plain-out.csv'), await ran(packed, 'packed-out.csv')];
      expect(found.chunks).toBe(wanted.chunks);
      expect(found.chunks).toBeGreaterThan(8);
      expect([found.counts, found.rows]).toEqual([wanted.counts, wanted.rows]);
      expect(found.rejected).toEqual(wanted.rejected.map((reject) => ({ ...reject, source: packed })));
      expect(found.rejected).toMatchObject([{ line: 150_002, raw: '150000' }]);
      // But for the header, which is in no chunk.
      const size = (await stat(packed)).size;
      expect(found.bytes).toBeGreaterThan(size * 0.999);
      expect(found.bytes).toBeLessThanOrEqual(size);
      if (process === pass) {
        expect(await engine.read('packed-out.csv')).toBe(await engine.read('plain-out.csv'));
        const corrected = found.rejected.map((reject) => ({ ...reject, raw: '150000,"line, 150000"' }));
        const again = await engine.retried(found.id, corrected);
        expect(again.counts).toMatchObject({ in: 200_000, rejected: 0 });
        expect(await engine.read('packed-out.csv')).toContain('"line, 150000"');
      }
    }
    expect(await engine.staging()).toEqual([]);
  });

  it('may be longer than the memory of a thread', async () => {
    const line = Buffer.from('7,"line, 7"\n');
    const lines = Math.ceil((160 * 1024 * 1024) / line.length);
    const packed = gzipSync(Buffer.concat([Buffer.from('n,text\n'), Buffer.alloc(lines * line.length, line)]), {
      level: 1,
    });
    const uri = await engine.write('long.csv.gz', packed);
    const { rows } = await engine.run({ source: { uri }, process: sum });
    expect(rows).toEqual([{ n: lines, s: lines * 7 }]);
  });

  it('that are not whole publish nothing', async () => {
    const packed = gzipSync(csv(0, 200_000));
    const sink = { uri: engine.at('never.csv') };
    const cut = await engine.write('cut.csv.gz', packed.subarray(0, packed.length - 1000));
    expect(await engine.fail({ source: { uri: cut }, process: pass, sink })).toMatchObject({
      code: 'source.truncated',
    });
    const more = await engine.write('more.csv.gz', Buffer.concat([packed, Buffer.from('more')]));
    expect(await engine.fail({ source: { uri: more }, process: pass, sink })).toMatchObject({
      code: 'source.corrupt_gzip',
    });
    await expect(engine.read('never.csv')).rejects.toThrow('ENOENT');
    expect(await engine.staging()).not.toContainEqual(expect.stringContaining('unpacked'));
  });
});

describe('text in other encodings', () => {
  it('is read by the name of its encoding', async () => {
    const uri = await engine.write('latin.csv', Buffer.from('name,n\nZoë,1\nJosé,2\n', 'latin1'));
    const { rows } = await engine.run({ source: { uri, encoding: 'latin1' }, process: pass });
    expect(rows).toEqual([
      { name: 'Zoë', n: 1 },
      { name: 'José', n: 2 },
    ]);
  });

  it('without a name fails with the name to give', async () => {
    const uri = await engine.write('utf16.csv', Buffer.from('\ufeffname,n\nZoë,1\n', 'utf16le'));
    expect(await engine.fail({ source: { uri }, process: pass })).toMatchObject({
      code: 'source.encoding',
      message: expect.stringContaining('set source.encoding: utf-16le') as string,
    });
    const { rows } = await engine.run({ source: { uri, encoding: 'utf-16le' }, process: pass });
    expect(rows).toEqual([{ name: 'Zoë', n: 1 }]);
  });
});

describe('arrays of JSON', () => {
  const records = Array.from({ length: 500 }, (_, n) => ({
    n,
    text: `line "${n}"\nand [more], {here}`,
    deep: { n: [n] },
  }));

  it.each([
    ['sql', sum],
    ['a processor', pass],
  ])('are read by %s', async (_, process) => {
    const uri = await engine.write(
      'records.json',
      JSON.stringify({ meta: [1, { items: 0 }], data: { items: records } }, null, 2),
    );
    const source = { uri, json: { pointer: '/data/items' } };
    const sink = { uri: engine.at('records-out.ndjson'), ifExists: 'replace' };
    const { counts, rows } = await engine.run({ source, process, ...(process === pass && { sink }) });
    expect(counts).toMatchObject({ in: 500, used: 500, rejected: 0 });
    if (process === sum) expect(rows).toEqual([{ n: 500, s: (499 * 500) / 2 }]);
    else {
      const written = (await engine.read('records-out.ndjson')).trim().split('\n');
      expect(written.map((line) => JSON.parse(line) as unknown)).toEqual(records);
    }
  });

  it('keep what is no record aside, and take it back corrected by its place', async () => {
    const content = '[\n  {"n": 1},\n  "no record",\n  {"n": 2}\n]\n';
    const uri = await engine.write('mixed.json', content);
    const options = { rejects: { action: 'quarantine', tolerate: 5 } };
    const { rejected, rows } = await engine.run({ source: { uri }, process: pass, options });
    expect(rows).toEqual([{ n: 1 }, { n: 2 }]);
    expect(rejected).toMatchObject([{ line: null, record: 2, code: 'row.not_an_object' }]);
    expect(content.slice(rejected[0]!.offset!).trimStart().startsWith('"no record"')).toBe(true);

    const app = await apiOver(engine);
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ source: { uri }, process: pass, options });
    const { id } = (await (
      await app.request('/v1/jobs?wait=30s', { method: 'POST', headers, body })
    ).json()) as JobView;
    const corrected = `${JSON.stringify({ ...rejected[0], raw: '{"n": 7}' })}\n`;
    const retried = await app.request(`/v1/jobs/${id}/retry`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: corrected,
    });
    expect(retried.status).toBe(202);
    expect(await engine.finish(id)).toMatchObject({ state: 'completed', counts: { in: 3, used: 3, rejected: 0 } });
  });

  it('have no line for a record that a processor refuses either', async () => {
    const uri = await engine.write('refused.json', '[{"n": 1},\n{"n": -1}]');
    const spec = {
      source: { uri },
      process: { use: 'number-batch' },
      options: { rejects: { action: 'quarantine', tolerate: 5 } },
    };
    const { rejected } = await engine.run(spec);
    expect(rejected.map(({ line, record }) => [line, record])).toEqual([[null, 2]]);
  });

  it('that are none say where one was looked for', async () => {
    const uri = await engine.write('object.json', '{"items": [{"n": 1}]}');
    expect(await engine.fail({ source: { uri }, process: pass })).toMatchObject({
      code: 'source.not_an_array',
      message: expect.stringContaining('source.json.pointer, such as "/items"') as string,
    });
    expect((await engine.run({ source: { uri, json: { pointer: '/items' } }, process: pass })).rows).toEqual([
      { n: 1 },
    ]);
  });
});
