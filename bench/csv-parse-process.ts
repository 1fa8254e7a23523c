/** One of the processes of the csv-parse peer: for each range it is sent, applies the function and writes NDJSON. */
import { createReadStream, createWriteStream } from 'node:fs';
import { parse } from 'csv-parse';
import { lateFlight } from './processors/late-flights.js';

export interface CsvParseTask {
  file: string;
  start: number;
  end: number;
  out: string;
}

const columns = ['date', 'delay', 'distance', 'origin', 'destination'] as const;
const BUFFERED = 1024 * 1024;

/** Events rather than an iterator, and no cast by the parser: both would cost as much again as the parsing. */
function run({ file, start, end, out }: CsvParseTask): Promise<void> {
  return new Promise((resolve, reject) => {
    const output = createWriteStream(out).once('error', reject);
    let text = '';
    createReadStream(file, { start, end: end - 1, highWaterMark: BUFFERED })
      .pipe(parse({ columns: [...columns] }))
      .on('data', ({ date, delay, distance, origin, destination }: Record<(typeof columns)[number], string>) => {
        const flight = lateFlight({ date, delay: Number(delay), distance: Number(distance), origin, destination });
        if (!flight) return;
        text += `${JSON.stringify(flight)}\n`;
        if (text.length < BUFFERED) return;
        output.write(text);
        text = '';
      })
      .once('error', reject)
      .once('end', () => output.end(text, resolve));
  });
}

process.on('message', (task: CsvParseTask) => void run(task).then(() => process.send!('done')));
process.on('disconnect', () => process.exit(0));
process.send!('ready');
