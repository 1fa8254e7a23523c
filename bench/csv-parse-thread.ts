/** One thread of the csv-parse peer: reads its bytes, applies the function, writes NDJSON. */
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { workerData } from 'node:worker_threads';
import { parse } from 'csv-parse';
import { lateFlight } from './processors/late-flights.js';

const LINES_PER_WRITE = 500;
const { file, start, end, out } = workerData as { file: string; start: number; end: number; out: string };
const columns = ['date', 'delay', 'distance', 'origin', 'destination'];
const isNumber = new Set(['delay', 'distance']);

const rows = createReadStream(file, { start, end: end - 1 }).pipe(
  parse({ columns, cast: (value, { column }) => (isNumber.has(String(column)) ? Number(value) : value) }),
);

async function* lines() {
  let text = '';
  let count = 0;
  for await (const row of rows) {
    const flight = lateFlight(row as { delay: number; distance: number });
    if (!flight) continue;
    text += `${JSON.stringify(flight)}\n`;
    if (++count % LINES_PER_WRITE > 0) continue;
    yield text;
    text = '';
  }
  yield text;
}

await pipeline(Readable.from(lines()), createWriteStream(out));
