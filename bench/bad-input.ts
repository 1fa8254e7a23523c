import { truncate, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { DATA, peakMemory } from './harness.js';
import type { Services } from './harness.js';
import type { Line } from './report.js';

const MIB = 1024 * 1024;
const LIMIT = 512 * MIB;
const PARQUET = fileURLToPath(new URL('../test/fixtures/parquet-testing', import.meta.url));

/** What a worker has taken at most when all of this was behind it, none of which is a source. */
export async function badInput(services: Services): Promise<Line[]> {
  const endless: Array<[string, string, number]> = [
    ['endless.csv', 'a,b\n', 1e9],
    ['endless-quote.csv', 'a,b\n1,"', 1e9],
    ['endless.ndjson', '{"a":"', 2e9],
  ];
  const uris: string[] = [];
  for (const [name, head, bytes] of endless) {
    const file = await written(name, head);
    // The rest are zeros that the disk does not hold.
    await truncate(file, bytes);
    uris.push(file);
  }
  uris.push(await written('bomb.csv.gz', gzipSync(Buffer.alloc(1e9))));
  for (const name of readdirSync(PARQUET).filter((one) => /^(bad_data|encrypted)/.test(one)))
    uris.push(await written(name, readFileSync(path.join(PARQUET, name))));
  const before = peakMemory(services.workerPid);
  for (const uri of uris) {
    for (const process of [{ use: 'pass' }, { use: 'sql', with: { map: 'from chunk' } }])
      await services.run({ source: { uri }, process, options: { retry: { attempts: 1 } } }).catch(() => undefined);
  }
  const after = peakMemory(services.workerPid);
  const bench = 'bad-input';
  return [
    { bench, what: 'peak memory of a worker before', ours: before / MIB, unit: 'MiB', target: '' },
    {
      bench,
      what: `after ${2 * uris.length} jobs over what is no source`,
      ours: after / MIB,
      unit: 'MiB',
      target: '<= 512 MiB',
      met: after <= LIMIT,
    },
  ];
}

async function written(name: string, bytes: string | Buffer): Promise<string> {
  const file = path.join(DATA, `bad-${name}`);
  await writeFile(file, bytes);
  return file;
}
