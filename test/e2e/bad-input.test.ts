/** One worker through all that is wrong with sources: each is named, none ends the process. Its memory is measured in bench/. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { symlink, truncate } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../../src/temporal/failures.js';
import { makePlace } from '../helpers/engine.js';
import type { Place } from '../helpers/engine.js';
import { randomOf } from '../helpers/random.js';
import { startWorkerProcess } from '../helpers/worker-process.js';
import type { WorkerProcess } from '../helpers/worker-process.js';

const BAD_PARQUET = fileURLToPath(new URL('../fixtures/parquet-testing', import.meta.url));

let place: Place;
let worker: WorkerProcess;
beforeAll(async () => {
  place = await makePlace('bad-input');
  worker = await startWorkerProcess(place.config);
});
afterAll(async () => {
  await worker.stop();
  await place.remove();
});

const rows = (count: number) => Buffer.from(`a,b\n${'1,2\n'.repeat(count)}`);
const text = (content: string | Buffer) => (name: string) => place.write(name, content);
const random = randomOf(7);
const noise = Buffer.from(Array.from({ length: 100_000 }, () => random.below(256)));

/** The rest are zeros that the disk does not hold. */
const endless = (head: string, bytes: number) => async (name: string) => {
  const file = await place.write(name, head);
  await truncate(file, bytes);
  return file;
};

const CASES: Array<[name: string, make: (name: string) => Promise<string> | string, code: string]> = [
  ['endless.csv', endless('a,b\n', 100_000_000), 'row.too_large'],
  ['endless-quote.csv', endless('a,b\n1,"', 100_000_000), 'row.too_large'],
  ['endless.ndjson', endless('{"a":"', 100_000_000), 'row.too_large'],
  ['bomb.csv.gz', text(gzipSync(Buffer.alloc(100_000_000))), 'source.decompression_limit'],
  ['cut.csv.gz', text(gzipSync(rows(500_000)).subarray(0, 300)), 'source.truncated'],
  ['behind.csv.gz', text(Buffer.concat([gzipSync(rows(10)), Buffer.from('more')])), 'source.corrupt_gzip'],
  [
    'noise.csv.zst',
    text(Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 0xff, 0xff, 0xff]), noise])),
    'source.truncated',
  ],
  ['unclosed.csv', text('a,b\n1,"2\n3,4\n'), 'row.quote_unclosed'],
  ['ragged.csv', text('a,b\n1\n'), 'row.column_count'],
  ['twice.csv', text('a,a\n1,2\n'), 'source.bad_header'],
  ['no-utf8.csv', text(Buffer.from([0x61, 0x0a, 0xff, 0xfe, 0x0a])), 'row.encoding'],
  ['deep.ndjson', text('['.repeat(100_000)), 'row.too_deep'],
  ['cut.json', text('[{"a": 1}'), 'source.truncated'],
  ['noise.parquet', text(noise), 'source.corrupt_parquet'],
  ['nothing.parquet', text(''), 'source.corrupt_parquet'],
  [
    'long-footer.parquet',
    text(Buffer.concat([Buffer.from('PAR1'), noise, Buffer.from([0xff, 0xff, 0xff, 0x7f]), Buffer.from('PAR1')])),
    'source.corrupt_parquet',
  ],
  ...readdirSync(BAD_PARQUET)
    .filter((name) => name.startsWith('bad_data') || name.startsWith('encrypted'))
    .filter((name) => !name.includes('43605'))
    .map((name): (typeof CASES)[number] => [
      name,
      () => place.write(name, readFileSync(path.join(BAD_PARQUET, name))),
      name.startsWith('encrypted') ? 'source.encrypted' : 'source.corrupt_parquet',
    ]),
  ['pipe.csv', (name) => (execFileSync('mkfifo', [place.at(name)]), place.at(name)), 'source.not_a_file'],
  ['link.csv', async (name) => (await symlink('/etc/passwd', place.at(name)), place.at(name)), 'path.outside_root'],
  ['above.csv', () => place.at('../../../etc/passwd'), 'path.outside_root'],
  ['metadata.csv', () => 'http://169.254.169.254/x.csv', 'source.address_blocked'],
  ['loopback.csv', () => 'http://0x7f.1/x.csv', 'source.address_blocked'],
];

describe('a worker', () => {
  it('names what is wrong with each source, lives, and does the next job', async () => {
    const outcomes: Record<string, string> = {};
    for (const [name, make] of CASES) {
      const uri = await make(name);
      const options = { retry: { attempts: 1 }, rejects: { action: 'fail' } };
      outcomes[name] = await place.run({ source: { uri }, process: { use: 'pass' }, options }).then(
        () => 'read',
        (error: unknown) => codeOf(error),
      );
    }
    expect(outcomes).toEqual(Object.fromEntries(CASES.map(([name, , code]) => [name, code])));
    const { counts } = await place.run({
      source: { uri: await place.write('good.csv', rows(1000)) },
      process: { use: 'pass' },
    });
    expect(counts.out).toBe(1000);
    expect(worker.running).toBe(true);
  }, 120_000);
});

/** Of a job that its rejects have failed, that of the first reject. */
function codeOf(error: unknown): string {
  const { code, message } = failureOf(error);
  return /row\.[a-z_]+/.exec(message)?.[0] ?? code;
}
