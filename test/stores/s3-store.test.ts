import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createS3Store } from '../../src/stores/s3/s3-store.js';
import type { SinkStore, SourceStore, StagedFile } from '../../src/stores/port.js';
import { hasS3, testBucket } from '../helpers/s3-server.js';
import type { TestBucket } from '../helpers/s3-server.js';

let bucket: TestBucket;
let store: SourceStore & SinkStore;
beforeAll(async () => {
  if (!hasS3) return;
  bucket = await testBucket();
  const s3 = [
    { bucket: bucket.name, prefix: 'strange/', profile: 'stranger' },
    { bucket: bucket.name, prefix: '' },
    { bucket: 'there-is-none', prefix: '' },
    { bucket: 'only-a-part', prefix: 'part/' },
  ];
  store = createS3Store(s3);
});

const at = (key: string) => `s3://${bucket.name}/${key}`;
const MIB = 1024 ** 2;

describe.skipIf(!hasS3)('objects as a source', () => {
  beforeAll(async () => {
    for (const key of ['in/a.csv', 'in/b.csv', 'in/deep/c.csv', 'in/[1].csv', 'in/manifest.json', 'in/_tmp/x.csv'])
      await bucket.put(key, `n\n${key}\n`);
  });
  const found = async (key: string) => (await store.find(at(key))).map(({ uri }) => uri.slice(at('').length));

  it.each([
    ['one key', 'in/a.csv', ['in/a.csv']],
    ['a glob, within one level', 'in/*.csv', ['in/[1].csv', 'in/a.csv', 'in/b.csv']],
    ['a glob over all levels', 'in/**/{b,c}.csv', ['in/b.csv', 'in/deep/c.csv']],
    ['a key that looks like a glob', 'in/[1].csv', ['in/[1].csv']],
    ['a prefix: all data below it', 'in/', ['in/[1].csv', 'in/a.csv', 'in/b.csv', 'in/deep/c.csv']],
  ])('are found by %s', async (_, key, keys) => {
    expect(await found(key)).toEqual(keys);
  });

  it('are read in any order, pinned by their version', async () => {
    const bytes = Buffer.alloc(6 * MIB, Buffer.from(Array.from({ length: 4099 }, (_, n) => n % 251)));
    const uri = await bucket.put('pinned', bytes);
    const { pin } = (await store.find(uri))[0]!;
    const source = await store.open(uri, pin);
    for (const [start, end] of [
      [5 * MIB, 5 * MIB + 100],
      [0, 3 * MIB],
      [3 * MIB, 7 * MIB],
    ] as const) {
      expect((await source.read(start, end)).equals(bytes.subarray(start, end))).toBe(true);
    }
    await bucket.put('pinned', Buffer.from(bytes).reverse());
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: 'source.changed', retryable: false });
    await expect(store.open(uri, pin).then((again) => again.read(0, 10))).rejects.toMatchObject({
      code: 'source.changed',
    });
  });

  it.each([
    ['that are not there', () => at('in/none.csv'), 'source.not_found', /no such object/],
    ['that no key matches', () => at('in/*.tsv'), 'source.not_found', /nothing of that name/],
    ['of a bucket that does not exist', () => 's3://there-is-none/a*.csv', 's3.no_such_bucket', /does not exist/],
    ['of a bucket that is not allowed', () => 's3://elsewhere/a.csv', 's3.not_allowed', /MILLRACE_S3_BUCKETS/],
    [
      'of a bucket beside the allowed prefix',
      () => 's3://only-a-part/other/a.csv',
      's3.not_allowed',
      /elsewhere|outside/,
    ],
    ['with ".." in the key', () => 's3://only-a-part/part/../other', 's3.bad_uri', /"\.\."/],
    ['without a key', () => 's3://only-a-part', 's3.bad_uri', /wanted s3:\/\/bucket\/key/],
    ['that these credentials do not open', () => at('strange/*.csv'), 's3.denied', /with these credentials/],
  ])('are refused, those %s', async (_, uri, code, message) => {
    await expect(store.find(uri())).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });
});

async function write(staged: StagedFile, bytes: Buffer): Promise<StagedFile> {
  for (let from = 0; from < bytes.length; from += 3 * MIB) await staged.append(bytes.subarray(from, from + 3 * MIB));
  return staged;
}

describe.skipIf(!hasS3).each([
  ['small', 10],
  ['in parts', 35 * MIB],
])('one object as a sink, %s', (name, size) => {
  const target = () => at(`out/${name}`);
  const filled = (text: string) => Buffer.alloc(size, text);

  it('is unseen until it is published; the first publisher wins; replacing replaces', async () => {
    const [a, b] = await Promise.all(
      ['a', 'b'].map(async (text) => write(await store.stageFile(target(), text), filled(text))),
    );
    expect(await bucket.keys('out/' + name)).toEqual([]);
    expect(await store.resolve(target(), 'error')).toBe(target());
    expect([await b!.publish('error'), await a!.publish('error')]).toEqual([true, false]);
    expect((await bucket.read(`out/${name}`)).equals(filled('b'))).toBe(true);
    await expect(store.resolve(target(), 'error')).rejects.toMatchObject({ code: 'sink.exists' });
    await (await write(await store.stageFile(target(), 'c'), filled('c'))).publish('replace');
    const sha256 = createHash('sha256').update(filled('c')).digest('hex');
    expect(await store.digest(target())).toEqual({ bytes: size, sha256 });
    await store.remove(target());
    expect(await store.digest(target())).toBeNull();
    expect(await bucket.uploads()).toEqual([]);
  });

  it('leaves nothing where it is given up, or swept after its publisher died', async () => {
    await (await write(await store.stageFile(target(), 'a'), filled('a'))).discard();
    const dead = await write(await store.stageFile(target(), 'a'), filled('a'));
    await expect.poll(() => bucket.parts()).toBe(Math.floor(size / (16 * MIB)));
    await store.sweep(target(), 'a');
    expect([await bucket.keys('out/'), await bucket.uploads()]).toEqual([[], []]);
    // Whoever was not dead after all begins anew.
    if (size > 16 * MIB)
      await expect(dead.publish('error')).rejects.toMatchObject({ code: 's3.upload_gone', retryable: true });
  });
});

describe.skipIf(!hasS3)('a folder of objects as a sink', () => {
  const folder = () => at('parts/');
  const manifestOf = (uris: string[]) => JSON.stringify({ parts: uris.map((uri) => ({ uri })) });

  async function stage(owner: string) {
    const staged = await store.stageFolder(folder(), owner);
    const names = ['part-00000.csv', 'part-00001.csv'];
    for (const name of names) await (await write(await staged.file(name), Buffer.from(owner))).publish('error');
    return {
      staged,
      uris: names.map((name) => staged.uriOf(name)),
      manifest: manifestOf(names.map((name) => staged.uriOf(name))),
    };
  }
  const keysOf = (...uris: string[][]) =>
    uris
      .flat()
      .map((uri) => uri.slice(at('').length))
      .sort();

  it('is there once its manifest is; the first wins, and the other takes its parts away', async () => {
    await expect(store.resolve(folder(), 'error')).resolves.toBe(folder());
    const [a, b] = [await stage('job-a'), await stage('job-b')];
    expect(await bucket.keys('parts/')).toEqual(keysOf(a.uris, b.uris));
    expect(await b.staged.publish(b.manifest, 'error')).toBe(true);
    expect(await a.staged.publish(a.manifest, 'error')).toBe(false);
    expect(await bucket.keys('parts/')).toEqual(['parts/manifest.json', ...keysOf(b.uris)]);
    expect((await bucket.read('parts/manifest.json')).toString()).toBe(b.manifest);
    await expect(store.resolve(folder(), 'error')).rejects.toMatchObject({ code: 'sink.exists' });
  });

  it('replaces what the former manifest named, and touches nothing else', async () => {
    await bucket.put('parts/notes.txt', 'of a person');
    const c = await stage('job-c');
    expect(await c.staged.publish(c.manifest, 'replace')).toBe(true);
    expect(await bucket.keys('parts/')).toEqual(['parts/manifest.json', 'parts/notes.txt', ...keysOf(c.uris)]);
  });

  it('keeps the parts of an attempt whose manifest a later attempt publishes', async () => {
    const [first, second] = [await stage('job-d'), await stage('job-d')];
    expect(await second.staged.publish(first.manifest, 'replace')).toBe(true);
    expect(await bucket.keys('parts/part-')).toEqual(keysOf(first.uris));
    await first.staged.publish(first.manifest, 'error');
    expect(await bucket.keys('parts/part-')).toEqual(keysOf(first.uris));
  });

  it('is swept of what a job left, but not of what its manifest names', async () => {
    const kept = await bucket.keys('parts/part-');
    const other = await stage('job-e');
    await stage('job-d');
    await store.sweep(folder(), 'job-d');
    expect(await bucket.keys('parts/part-')).toEqual([...kept, ...keysOf(other.uris)].sort());
    await other.staged.discard();
    expect(await bucket.keys('parts/part-')).toEqual(kept);
  });
});
