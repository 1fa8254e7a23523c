import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, copyFile, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { DATA, dataFile, flightsFile, timed } from './harness.js';
import type { Services } from './harness.js';
import type { Line } from './report.js';

const COPIES = 10;
const WAY = ['csv.gz', 'ndjson', 'parquet', 'csv'];

/** A CSV of about 1 GiB through gzip, NDJSON and Parquet and back: at the end it is the same, byte for byte. */
export async function roundTrip(services: Services): Promise<Line[]> {
  const first = await dataFile('flights-1g.csv', async (file) => {
    const flights = await flightsFile();
    await copyFile(flights, file);
    const text = await readFile(flights);
    const body = text.subarray(text.indexOf('\n') + 1);
    for (let i = 1; i < COPIES; i++) await appendFile(file, body);
  });
  const lines: Line[] = [];
  for (const use of ['sql', 'pass']) {
    const process = { use, with: use === 'sql' ? { map: 'from chunk' } : {} };
    let at = first;
    for (const format of WAY) {
      const uri = path.join(DATA, `round-trip.${format}`);
      const ours = await timed(() =>
        services.run({ source: { uri: at }, process, sink: { uri, ifExists: 'replace' } }),
      );
      const { size } = await stat(at);
      const what = `${use}: ${(size / 1e6).toFixed(0)} MB of ${path.extname(at).slice(1)} to ${format}`;
      lines.push({ bench: 'round-trip', what, ours, target: '' });
      at = uri;
    }
    const [given, got] = await Promise.all([first, at].map(sha256));
    if (given !== got) throw new Error(`${at} is not ${first}`);
  }
  return lines;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(file)) hash.update(block as Buffer);
  return hash.digest('hex');
}
