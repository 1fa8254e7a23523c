/** Sources on web servers: the same jobs as over files. */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PlanView } from '../../src/core/job.js';
import { apiOver } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { startFileServer } from '../helpers/file-server.js';
import type { FileServer } from '../helpers/file-server.js';

let engine: Engine;
let server: FileServer;
beforeAll(async () => {
  server = await startFileServer();
  engine = await startEngine('web', { httpAllow: [server.host] });
});
beforeEach(() => void Object.assign(server, { trouble: null, ranges: true, validators: true }));
afterAll(async () => {
  await engine.stop();
  await server.close();
});

const pass = { use: 'pass' };
const sum = {
  use: 'sql',
  with: {
    map: 'select count(*) n, sum(n) s from chunk',
    reduce: 'select sum(n)::int n, sum(s)::bigint s from partials',
  },
};
const RECORDS = 5000;
const TOTAL = { n: RECORDS, s: ((RECORDS - 1) * RECORDS) / 2 };
const csv = `n,text\n${Array.from({ length: RECORDS }, (_, n) => `${n},"line\n${n}"\n`).join('')}`;

describe('a source on a web server', () => {
  it.each([
    ['in parallel', true, { bytes: 10_000 }, 9],
    ['from its beginning, where the server gives no ranges', false, { bytes: 10_000 }, 1],
  ])('is read %s', async (_, ranges, chunk, least) => {
    server.ranges = ranges;
    server.files.set('/n.csv', Buffer.from(csv));
    const source = { uri: `${server.url}/n.csv` };
    const sink = { uri: engine.at('n-out.csv'), ifExists: 'replace' };
    const { counts, chunks, manifestFile } = await engine.run({ source, process: pass, sink, options: { chunk } });
    expect(counts).toMatchObject({ in: RECORDS, rejected: 0 });
    expect(chunks).toBeGreaterThanOrEqual(least);
    if (!ranges) expect(chunks).toBe(1);
    expect(await engine.read('n-out.csv')).toBe(csv);
    expect(manifestFile.sources).toMatchObject([{ uri: source.uri, size: csv.length, etag: expect.any(String) }]);
    expect((await engine.run({ source, process: sum, options: { chunk } })).rows).toEqual([TOTAL]);
  });

  it('may be compressed', async () => {
    server.files.set('/n.csv.gz', gzipSync(csv));
    for (const ranges of [true, false]) {
      server.ranges = ranges;
      const { rows } = await engine.run({ source: { uri: `${server.url}/n.csv.gz` }, process: sum });
      expect(rows).toEqual([TOTAL]);
    }
  });

  it('may be Parquet: of a chunk its own row groups are fetched', async () => {
    const items = Array.from({ length: 2000 }, (_, n) => ({ n, text: `line ${n}` }));
    const uri = engine.at('n.parquet');
    await engine.run({ source: { items }, process: { use: 'sql', with: { map: 'from chunk' } }, sink: { uri } });
    server.files.set('/n.parquet', await readFile(uri));
    const source = { uri: `${server.url}/n.parquet` };
    const options = { chunk: { rows: 700 } };
    expect((await engine.run({ source, process: sum, options })).rows).toEqual([{ n: 2000, s: (1999 * 2000) / 2 }]);
    const { counts, chunks } = await engine.run({ source, process: pass, options });
    expect([counts.out, chunks]).toEqual([2000, 3]);
    server.ranges = false;
    expect(await engine.fail({ source, process: pass })).toMatchObject({ code: 'source.no_ranges' });
  });

  it('that changes while it is read publishes nothing', async () => {
    server.files.set('/changing.csv', Buffer.from(csv));
    let reads = 0;
    server.trouble = (request) => {
      if (request.headers.range !== 'bytes=0-0' && ++reads === 12)
        server.files.set('/changing.csv', Buffer.from(`${csv}1,x\n`));
      return false;
    };
    const sink = { uri: engine.at('changing-out.csv') };
    const source = { uri: `${server.url}/changing.csv` };
    const failed = await engine.fail({ source, process: pass, sink, options: { chunk: { bytes: 5000 } } });
    expect(failed.code).toBe('source.changed');
    await expect(engine.read('changing-out.csv')).rejects.toThrow('ENOENT');
  });

  it('whose server says nothing of its version is warned of', async () => {
    server.files.set('/silent.csv', Buffer.from(csv));
    const app = await apiOver(engine);
    const plan = async () => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ source: { uri: `${server.url}/silent.csv` }, process: pass });
      return ((await (await app.request('/v1/plan', { method: 'POST', headers, body })).json()) as PlanView).warnings;
    };
    expect(await plan()).toEqual([]);
    server.validators = false;
    expect(await plan()).toEqual([expect.stringContaining('a change is only seen by its size')]);
  });

  it('at a private address is refused before anything is asked', async () => {
    const before = server.asked.length;
    const uri = server.url.replace('127.0.0.1', '127.0.0.2');
    expect(await engine.fail({ source: { uri: `${uri}/n.csv` }, process: pass })).toMatchObject({
      code: 'source.address_blocked',
      message: expect.stringContaining('MILLRACE_HTTP_ALLOW=127.0.0.2') as string,
    });
    expect(server.asked.length).toBe(before);
  });
});

describe('a sink on a web server', () => {
  it('is refused', async () => {
    const sink = { uri: `${server.url}/out.csv`, format: 'csv' };
    const failed = await engine.fail({ source: { items: [{ n: 1 }] }, process: pass, sink });
    expect(failed.code).toBe('sink.read_only');
  });
});
