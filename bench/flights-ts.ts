import { strictEqual } from 'node:assert/strict';
import { once } from 'node:events';
import { open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { alternate, DATA, duckdb, flightsFile, script, type Services } from './harness.js';
import type { CsvParseTask } from './csv-parse-process.js';
import type { Line } from './report.js';

const ROUNDS = 3;
const RECORDS = 3_000_000;
const TARGET = 2;

const out = (name: string) => path.join(DATA, name);

/** A TypeScript function per record, CSV in and NDJSON out, from submission to the committed result. */
export async function flightsTs({ run }: Services): Promise<Line[]> {
  const file = await flightsFile();
  const job = (sink: string) => ({
    name: 'late-flights',
    source: { uri: file },
    process: { use: 'late-flights' },
    sink: { uri: sink, format: 'ndjson', ifExists: 'replace' },
  });
  const oneFile = out('late.ndjson');
  const folder = out('late/');
  const csvParse = await startCsvParse(file);
  const times = await alternate(ROUNDS, {
    oneFile: () => run(job(oneFile)),
    folder: () => run(job(folder)),
    csvParse: csvParse.run,
    duckdb: () => duckdb(sqlOf(file, out('late-duckdb.ndjson'))),
  });
  csvParse.stop();

  const lines = async (ndjson: string) =>
    Number(
      (
        await duckdb(
          `select count(*) n from read_csv('${ndjson}', delim = '\\0', header = false, columns = {l: 'VARCHAR'})`,
        )
      )[0]!.n,
    );
  const kept = await lines(oneFile);
  strictEqual(kept, await lines(out('late-duckdb.ndjson')));
  strictEqual(kept, (await lines(out('late-0.ndjson'))) + (await lines(out('late-1.ndjson'))));
  const megabytes = Math.round((await stat(oneFile)).size / 1e6);
  await Promise.all(
    ['late.ndjson', 'late.ndjson.manifest.json', 'late', 'late-0.ndjson', 'late-1.ndjson', 'late-duckdb.ndjson'].map(
      (name) => rm(out(name), { recursive: true, force: true }),
    ),
  );

  const rate = (ms: number) => RECORDS / ms / 1000;
  const line = (what: string, ours: number, peer: number, target = ''): Line => ({
    bench: 'flights-ts',
    what,
    ours: rate(ours),
    peer: rate(peer),
    unit: 'M/s',
    target,
    ...(target && { met: rate(ours) >= TARGET }),
  });
  const target = `>= ${TARGET} M/s`;
  return [
    line(`one file of ${megabytes} MB / csv-parse, two processes`, times.oneFile, times.csvParse, target),
    line('one file / DuckDB SQL', times.oneFile, times.duckdb),
    line(`folder / csv-parse, two processes`, times.folder, times.csvParse, target),
    line('folder / DuckDB SQL', times.folder, times.duckdb),
  ];
}

/** The usual way without a service: two warm processes, each with half of the file. */
async function startCsvParse(file: string): Promise<{ run(): Promise<void>; stop(): void }> {
  const children = [0, 1].map(() => script('csv-parse-process.ts'));
  await Promise.all(children.map((child) => once(child, 'message')));
  const borders = await halves(file);
  const task = (half: number): CsvParseTask => ({
    file,
    start: borders[half]!,
    end: borders[half + 1]!,
    out: out(`late-${half}.ndjson`),
  });
  return {
    async run() {
      children.forEach((child, half) => child.send(task(half)));
      await Promise.all(children.map((child) => once(child, 'message')));
    },
    stop: () => children.forEach((child) => child.kill()),
  };
}

/** The first record of each half, and the end. */
async function halves(file: string): Promise<[number, number, number]> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const middle = size >> 1;
    const { buffer } = await handle.read(Buffer.alloc(4096), 0, 4096, middle);
    const head = (await handle.read(Buffer.alloc(4096), 0, 4096, 0)).buffer;
    return [head.indexOf(10) + 1, middle + buffer.indexOf(10) + 1, size];
  } finally {
    await handle.close();
  }
}

const sqlOf = (file: string, target: string) => `
  copy (
    select *, round(distance / 4.8) / 100 as hours, delay >= 15 as late
    from read_csv('${file}', auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
      columns = {date: 'VARCHAR', delay: 'BIGINT', distance: 'BIGINT', origin: 'VARCHAR', destination: 'VARCHAR'})
    where delay >= 0
  ) to '${target}' (format json)`;
