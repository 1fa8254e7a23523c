import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkWorkArea, openWorkArea } from '../../src/stores/open-work-area.js';
import type { WorkArea } from '../../src/stores/port.js';
import { hasS3, testBucket, testS3 } from '../helpers/s3-server.js';
import type { TestBucket } from '../helpers/s3-server.js';
import { startTroubleProxy } from '../helpers/trouble-proxy.js';
import type { TroubleProxy } from '../helpers/trouble-proxy.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'millrace-work-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const MIB = 1024 ** 2;

describe.each(hasS3 ? ['a folder', 'a bucket'] : ['a folder'])('a work area in %s', (kind) => {
  let area: WorkArea;
  let bucket: TestBucket | undefined;
  beforeAll(async () => {
    if (kind === 'a bucket') bucket = await testBucket();
    const work = bucket ? `s3://${bucket.name}/area` : path.join(home, 'area');
    await checkWorkArea({ work, home });
    area = await openWorkArea({ work, home });
  });

  it('lets exactly one of many publishers win', async () => {
    const won = await Promise.all(Array.from({ length: 50 }, (_, i) => area.publish('job/receipt', `writer ${i}`)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await area.read('job/receipt')).toString()).toBe(`writer ${won.indexOf(true)}`);
  });

  it('lists what is directly below a prefix, in order, and removes a key or all below one', async () => {
    await area.publish('some/parts/2', 'b');
    await area.publish('some/parts/1', 'a');
    await area.publish('some/plan', '{}');
    expect(await area.list('some/parts/')).toEqual(['some/parts/1', 'some/parts/2']);
    expect(await area.list('some/')).toEqual(['some/parts', 'some/plan']);
    expect(await area.list('')).toContain('some');
    await area.remove('some/parts/1');
    expect(await area.tryRead('some/parts/1')).toBeNull();
    await area.remove('some/parts');
    expect(await area.list('some/')).toEqual(['some/plan']);
    await area.remove('some/');
    expect(await area.list('some/')).toEqual([]);
    await area.remove('some/');
  });

  it('publishes a private file of any size once, and keeps none of it', async () => {
    const bytes = Buffer.alloc(40 * MIB, Buffer.from(Array.from({ length: 4099 }, (_, n) => n % 251)));
    const files = await Promise.all(['a', 'b'].map((hint) => area.scratchFile(hint)));
    for (const file of files) writeFileSync(file, bytes);
    const won = await Promise.all(files.map((file) => area.publishFile('big', file)));
    expect(won.filter(Boolean)).toHaveLength(1);
    const source = await area.open('big');
    expect(source.size).toBe(bytes.length);
    for (const [start, end] of [
      [0, 10],
      [17 * MIB - 3, 17 * MIB + 5],
      [source.size - 4, source.size + 100],
      [source.size, source.size + 1],
    ] as const) {
      expect((await source.read(start, end)).equals(bytes.subarray(start, end))).toBe(true);
    }
    await source.close();
    expect(readdirSync(path.dirname(files[0]!))).toEqual([]);
    if (bucket) expect(await bucket.uploads()).toEqual([]);
  });

  it('puts a key together piece by piece, unseen until it is published', async () => {
    const staged = await area.stage('pieces');
    for (let n = 0; n < 1000; n++) await staged.append(Buffer.from(`${n}\n`));
    expect(await area.tryRead('pieces')).toBeNull();
    expect(await staged.publish('error')).toBe(true);
    expect((await area.read('pieces')).toString()).toBe(Array.from({ length: 1000 }, (_, n) => `${n}\n`).join(''));
  });

  it('says where a key is that a library could read, and that one is not there', async () => {
    await area.publish('there', '1');
    if (bucket) expect(area.localPath('there')).toBeNull();
    else expect(area.localPath('there')).toMatch(/area\/there$/);
    await expect(area.open('nowhere')).rejects.toThrow(/nowhere/);
  });
});

it('a work area in a folder keeps its keys inside', async () => {
  const area = await openWorkArea({ work: path.join(home, 'inside'), home });
  await expect(area.read('../x')).rejects.toThrow('leaves the work area');
});

describe.skipIf(!hasS3)('a work area in a bucket, over a bad network', () => {
  let proxy: TroubleProxy;
  let bucket: TestBucket;
  let area: WorkArea;
  beforeAll(async () => {
    const { endpoint, troubled } = await testS3();
    proxy = await startTroubleProxy(endpoint, troubled);
    bucket = await testBucket();
    const s3 = [{ bucket: bucket.name, prefix: '', profile: 'troubled' }];
    area = await openWorkArea({ work: `s3://${bucket.name}/area`, home, s3 });
  });
  afterAll(() => proxy.close());

  it('knows its own work again where the answer was lost', async () => {
    let left = 1;
    proxy.trouble = ({ method }) => (method === 'PUT' && left-- > 0 ? 'lost answer' : 'none');
    expect(await area.publish('receipt', 'mine')).toBe(true);
    expect(left).toBeLessThan(0);
    expect(await area.publish('receipt', 'mine')).toBe(false);
  });

  it('does so for a large file too, and leaves no upload behind', async () => {
    const file = await area.scratchFile('large');
    writeFileSync(file, Buffer.alloc(20 * MIB, 'x'));
    let left = 1;
    proxy.trouble = ({ method, url }) =>
      method === 'POST' && /uploadId=/.test(url!) && left-- > 0 ? 'lost answer' : 'none';
    expect(await area.publishFile('large', file)).toBe(true);
    expect(left).toBeLessThan(0);
    expect(await bucket.uploads()).toEqual([]);
  });

  it('reads what comes in pieces that break off', async () => {
    await bucket.put('area/data', Buffer.alloc(3 * MIB, 'abc'));
    let left = 2;
    proxy.trouble = ({ headers }) => (headers.range !== undefined && left-- > 0 ? 'cut answer' : 'none');
    const source = await area.open('data');
    expect((await source.read(0, 3 * MIB)).equals(Buffer.alloc(3 * MIB, 'abc'))).toBe(true);
  });
});
