/** One of the processes of the csv-parse peer: for each range it is sent, applies the function and writes NDJSON. */
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import { lateFlight } from './processors/late-flights.js';

export interface CsvParseTask {
  file: string;
  start: number;
  end: number;
  out: string;
}

const LINES_PER_WRITE = 500;
const columns = ['date', 'delay', 'distance', 'origin', 'destination'];
const isNumber = new Set(['delay', 'distance']);

async function* lines({ file, start, end }: CsvParseTask) {
  const cast = (value: string, { column }: { column: string | number }) =>
    isNumber.has(String(column)) ? Number(value) : value;
  let text = '';
  let count = 0;
  for await (const row of createReadStream(file, { start, end: end - 1 }).pipe(parse({ columns, cast }))) {
    const flight = lateFlight(row as { delay: number; distance: number });
    if (!flight) continue;
    text += `${JSON.stringify(flight)}\n`;
    if (++count % LINES_PER_WRITE > 0) continue;
    yield text;
    text = '';
  }
  yield text;
}

process.on('message', (task: CsvParseTask) => {
  void pipeline(Readable.from(lines(task)), createWriteStream(task.out)).then(() => process.send!('done'));
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');
