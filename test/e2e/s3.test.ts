/** Jobs from objects to objects, by workers that have nothing in common but a bucket and the Temporal server. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/core/config.js';
import type { Manifest, PlanView } from '../../src/core/job.js';
import { apiOver } from '../helpers/api-over.js';
import { makePlace } from '../helpers/engine.js';
import type { Place } from '../helpers/engine.js';
import { randomOf } from '../helpers/random.js';
import { hasS3, testBucket, testS3 } from '../helpers/s3-server.js';
import type { TestBucket } from '../helpers/s3-server.js';
import { startTroubleProxy } from '../helpers/trouble-proxy.js';
import type { Trouble } from '../helpers/trouble-proxy.js';
import { startWorkerProcess } from '../helpers/worker-process.js';
import type { WorkerProcess } from '../helpers/worker-process.js';

const RECORDS = 30_000;
const FILES = 3;

let bucket: TestBucket;
let place: Place;
let workers: WorkerProcess[];

/** A worker as another machine would have it: working folder, home, scratch and roots of its own. */
function startElsewhere(name: string, changes: Partial<Config> = {}): Promise<WorkerProcess> {
  const folder = path.join(place.config.home, name);
  const own = {
    home: path.join(folder, 'home'),
    scratch: path.join(folder, 'scratch'),
    roots: [path.join(folder, 'data')],
  };
  mkdirSync(own.roots[0]!, { recursive: true });
  return startWorkerProcess({ ...place.config, ...own, ...changes }, folder);
}

beforeAll(async () => {
  if (!hasS3) return;
  bucket = await testBucket();
  place = await makePlace('s3', {
    threads: 1,
    work: `s3://${bucket.name}/work`,
    s3: [{ bucket: bucket.name, prefix: '' }],
  });
  for (let file = 0; file < FILES; file++) await bucket.put(`in/${file}.csv`, csvOf(rowsOf(file)));
  workers = await Promise.all(['east', 'west'].map((name) => startElsewhere(name)));
});
afterAll(async () => {
  if (!hasS3) return;
  await Promise.all(workers.map((worker) => worker.stop()));
  await place.remove();
});

function rowsOf(file: number): Array<{ id: number; text: string }> {
  const first = file * (RECORDS / FILES);
  return Array.from({ length: RECORDS / FILES }, (_, n) => ({
    id: first + n,
    text: n % 50 === 0 ? 'two\nlines' : `text ${n}`,
  }));
}

function csvOf(rows: Array<{ id: number; text: string }>): string {
  return `id,text\n${rows.map(({ id, text }) => `${id},${/\n/.test(text) ? `"${text}"` : text}\n`).join('')}`;
}

const ALL = csvOf(Array.from({ length: FILES }, (_, file) => rowsOf(file)).flat());
const at = (key: string) => `s3://${bucket.name}/${key}`;
const source = () => ({ uri: at('in/*.csv') });
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
const sum = {
  use: 'sql',
  with: {
    map: 'select id % 7 k, count(*) n, sum(id) s from chunk group by all',
    reduce: 'select k, sum(n)::int n, sum(s)::bigint s from partials group by k order by k',
  },
};

/** The manifest, and that each part it names is there with these very bytes. */
async function manifestAt(key: string): Promise<Manifest> {
  const manifest = JSON.parse((await bucket.read(key)).toString()) as Manifest;
  for (const { uri, bytes, sha256: digest } of manifest.parts) {
    const found = await bucket.read(uri.slice(at('').length));
    expect([found.length, sha256(found)]).toEqual([bytes, digest]);
  }
  return manifest;
}

describe.skipIf(!hasS3)('workers that share nothing but a bucket', () => {
  it('read objects in parallel and put one object together, the same bytes that stood in them', async () => {
    const options = { chunk: { bytes: '40KiB' } };
    const spec = { source: source(), process: { use: 'pass' }, sink: { uri: at('one/all.csv') }, options };
    const { counts, chunks } = await place.run(spec);
    expect(counts).toMatchObject({ in: RECORDS, out: RECORDS, rejected: 0 });
    expect(chunks).toBeGreaterThan(10);
    expect((await bucket.read('one/all.csv')).toString()).toBe(ALL);
    expect(await bucket.keys('one/')).toEqual(['one/all.csv', 'one/all.csv.manifest.json']);
    const manifest = await manifestAt('one/all.csv.manifest.json');
    expect(manifest.sources).toMatchObject(
      [0, 1, 2].map((n) => ({ uri: at(`in/${n}.csv`), etag: expect.any(String) as string })),
    );
    expect(await place.fail(spec)).toMatchObject({ code: 'sink.exists' });
  });

  it('reduce with SQL, into Parquet and inline', async () => {
    const rows = Array.from({ length: 7 }, (_, k) => {
      const ids = Array.from({ length: RECORDS }, (__, id) => id).filter((id) => id % 7 === k);
      return { k, n: ids.length, s: ids.reduce((total, id) => total + id, 0) };
    });
    const options = { chunk: { bytes: '40KiB' } };
    expect((await place.run({ source: source(), process: sum, options })).rows).toEqual(rows);
    const sink = { uri: at('sql/sums.parquet') };
    const { id } = await place.run({ source: source(), process: sum, sink, options });
    await manifestAt('sql/sums.parquet.manifest.json');
    const again = { use: 'sql', with: { map: 'select * from chunk' } };
    expect((await place.run({ source: { uri: at('sql/*.parquet') }, process: again })).rows).toEqual(rows);
    expect((await place.run({ source: { job: id }, process: again })).rows).toEqual(rows);
    const { id: inline } = await place.run({ source: source(), process: sum, options });
    expect((await place.run({ source: { job: inline }, process: again })).rows).toEqual(rows);
  });

  it('write a folder, whose manifest names the parts, and replace it', async () => {
    const spec = (chunk: string) => ({
      source: source(),
      process: { use: 'pass' },
      sink: { uri: at('folder/'), format: 'ndjson', ifExists: 'replace' },
      options: { chunk: { bytes: chunk } },
    });
    await place.run(spec('40KiB'));
    const first = await manifestAt('folder/manifest.json');
    await place.run(spec('90KiB'));
    const second = await manifestAt('folder/manifest.json');
    expect(second.parts.length).toBeLessThan(first.parts.length);
    const keys = second.parts.map(({ uri }) => uri.slice(at('').length));
    expect(await bucket.keys('folder/')).toEqual(['folder/manifest.json', ...keys]);
    const rows = (await Promise.all(keys.map((key) => bucket.read(key)))).join('').trimEnd().split('\n');
    expect(rows.map((row) => (JSON.parse(row) as { id: number }).id)).toEqual(
      Array.from({ length: RECORDS }, (_, n) => n),
    );
    // A prefix is a source: its data, and not its manifest. So is the manifest, which names its data.
    const process = {
      use: 'sql',
      with: { map: 'select count(*) n from chunk', reduce: 'select sum(n)::int n from partials' },
    };
    for (const uri of [at('folder/'), at('folder/manifest.json')]) {
      expect((await place.run({ source: { uri }, process })).rows).toEqual([{ n: RECORDS }]);
    }
  });

  it('partition a folder, replace it, and read it by its folders', async () => {
    const process = { use: 'sql', with: { map: `select id, (id % 3) / 2 as "a=b" from chunk` } };
    const sink = { uri: at('hive/'), format: 'csv', partitionBy: 'a=b', ifExists: 'replace' };
    const runs = [
      await place.run({ source: source(), process, sink }),
      await place.run({ source: source(), process, sink }),
    ];
    const [first, second] = runs.map(({ manifestFile }) =>
      manifestFile.parts.map(({ uri }) => uri.slice(at('').length)),
    );
    const keys = await bucket.keys('hive/');
    expect(keys.filter((key) => first!.includes(key))).toEqual([]);
    expect(keys.sort()).toEqual([...second!, 'hive/manifest.json'].sort());
    expect(second![0]).toMatch(/^hive\/a%3Db=0\.0\/part-00000-[^/]+\.csv$/);
    const map = `select "a=b" v, count(*) n, min(id) lowest from chunk group by all`;
    const reduce = 'select v::double v, sum(n)::int n, min(lowest)::int lowest from partials group by all order by v';
    const { rows } = await place.run({
      source: { uri: at('hive/**/*.csv'), partitions: 'hive' },
      process: { use: 'sql', with: { map, reduce } },
    });
    expect(rows).toEqual([0, 0.5, 1].map((v) => ({ v, n: RECORDS / 3, lowest: v * 2 })));
  });

  it('quarantine what is wrong, in the bucket', async () => {
    const uri = await bucket.put('bad/rows.csv', 'id,text\n1,a\nx,b\n3,c\n');
    const spec = {
      source: { uri, csv: { types: { id: 'int' } } },
      process: { use: 'pass' },
      sink: { uri: at('bad/out.csv') },
      options: { rejects: { action: 'quarantine', tolerate: 1 } },
    };
    const { rejected, state } = await place.run(spec);
    expect(state).toBe('completed_with_rejects');
    expect(rejected).toMatchObject([{ source: uri, line: 3, code: 'row.type', raw: 'x,b' }]);
  });

  it('are asked through the API, which reads the same bucket', async () => {
    const api = await apiOver(place);
    const ask = async (method: string, url: string, body?: unknown) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await api.request(url, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: answer.status, text: await answer.text() };
    };
    const spec = { source: source(), process: { use: 'pass' }, sink: { uri: at('api/out.csv') } };
    const plan = await ask('POST', '/v1/plan', spec);
    expect(JSON.parse(plan.text) as PlanView).toMatchObject({
      files: FILES,
      format: 'csv',
      columns: [{ name: 'id', type: 'int' }, { name: 'text' }],
    });
    const made = await ask('POST', '/v1/jobs?wait=50s', spec);
    const { id, state } = JSON.parse(made.text) as { id: string; state: string };
    expect(state).toBe('completed');
    expect((await ask('GET', `/v1/jobs/${id}/output`)).text).toBe(ALL);
    const outside = await ask('POST', '/v1/jobs', { ...spec, sink: { uri: 's3://elsewhere/out.csv' } });
    expect([outside.status, outside.text]).toEqual([422, expect.stringContaining('s3.not_allowed')]);
  });

  it('fail clearly where an object changed since it was planned', async () => {
    const uri = await bucket.put('moving.csv', csvOf(rowsOf(0)));
    const process = { use: 'slow', with: { ms: 100 } };
    const sink = { uri: at('moved.csv') };
    const { id, handle } = await place.start({
      source: { uri },
      process,
      sink,
      options: { chunk: { bytes: '20KiB' } },
    });
    await expect.poll(async () => (await bucket.keys(`work/${id}/receipts/`)).length).toBeGreaterThan(0);
    await bucket.put('moving.csv', csvOf(rowsOf(1)));
    await expect(handle.result()).rejects.toThrow();
    await expect(place.finish(id)).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/moving\.csv" changed since the job was planned/) as string },
    });
    expect(await bucket.keys('moved')).toEqual([]);
  });
});

it.skipIf(!hasS3)(
  'a worker that is killed costs nothing: another one on another machine goes on, and nothing is left over',
  async () => {
    const options = { chunk: { bytes: '20KiB' }, timeout: { heartbeat: '1s' }, retry: { first: '10ms' } };
    const sink = { uri: at('survived.csv') };
    const { id, handle } = await place.start({
      source: source(),
      process: { use: 'slow', with: { ms: 20 } },
      sink,
      options,
    });
    await expect.poll(async () => (await bucket.keys(`work/${id}/receipts/`)).length).toBeGreaterThan(1);
    await workers[0]!.kill();
    await handle.result();
    workers[0] = await startElsewhere('north');
    expect((await bucket.read('survived.csv')).toString()).toBe(ALL);
    expect(await bucket.uploads()).toEqual([]);
  },
);

describe.skipIf(!hasS3)('a network of which a third fails', () => {
  it('gives the same bytes, with no upload left behind and not many more requests', async () => {
    const { endpoint, troubled } = await testS3();
    const proxy = await startTroubleProxy(endpoint, troubled);
    await Promise.all(workers.map((worker) => worker.stop()));
    const s3 = [{ bucket: bucket.name, prefix: '', profile: 'troubled' }];
    workers = [await startElsewhere('south', { s3 })];
    try {
      const spec = (name: string) => ({
        source: source(),
        process: { use: 'pass' },
        sink: { uri: at(`troubled/${name}.csv`) },
        options: { chunk: { bytes: '40KiB' }, retry: { attempts: 20, first: '10ms', max: '200ms' } },
      });
      proxy.requests = 0;
      await place.run(spec('calm'));
      const calm = proxy.requests;

      const random = randomOf(7);
      const troubles: Trouble[] = [500, 503, 'reset', 'lost answer', 'cut answer'];
      proxy.trouble = () => (random.below(10) < 3 ? troubles[random.below(troubles.length)]! : 'none');
      proxy.requests = 0;
      const { state } = await place.run(spec('rough'));
      expect(state).toBe('completed');
      expect(proxy.requests).toBeLessThan(5 * calm);
      expect((await bucket.read('troubled/rough.csv')).toString()).toBe(ALL);
      expect(await bucket.uploads()).toEqual([]);
    } finally {
      proxy.trouble = () => 'none';
      const [south] = workers.splice(0);
      await south!.stop();
      await proxy.close();
    }
  }, 120_000);
});
