import { deepStrictEqual } from 'node:assert/strict';
import { alternate, call, duckdb, peakMemory, stationsFile, THREADS, type Services } from './harness.js';
import type { Line } from './report.js';

const ROWS = 50_000_000;
const ROUNDS = 3;
const GIB = 1024 ** 3;

const SELECT = 'select station, min(temperature) lo, max(temperature) hi, sum(temperature) total, count(*) n';
const REDUCE = `select station, min(lo) lo, max(hi) hi, round(sum(total) / sum(n), 6) mean, sum(n)::bigint n
  from partials group by station order by station`;

const job = (uri: string) => ({
  name: 'stations',
  source: { uri },
  process: { use: 'sql', with: { map: `${SELECT} from chunk group by station`, reduce: REDUCE } },
});

const alone = (table: string) => duckdb(`with partials as (${SELECT} from ${table} group by station) ${REDUCE}`);
const pinned = (file: string) =>
  `read_csv('${file}', auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
    columns = {station: 'VARCHAR', temperature: 'DOUBLE'})`;

/** A group-by over a CSV, from submission to the committed result, against DuckDB alone on the whole file. */
export async function stations(services: Services): Promise<Line[]> {
  const file = await stationsFile(ROWS);
  const tenth = await stationsFile(ROWS / 10);
  const { api, run, workerPid } = services;

  await run(job(tenth));
  await run(job(tenth));
  const memoryOfTenth = peakMemory(workerPid);

  const times = await alternate(ROUNDS, {
    ours: () => run(job(file)),
    peer: () => alone(pinned(file)),
    detecting: () => alone(`read_csv('${file}')`),
  });
  const memory = peakMemory(workerPid);

  const { id } = await run(job(file));
  const { rows } = await call<{ rows: Record<string, unknown>[] }>(`${api}/v1/jobs/${id}/result`);
  const numbers = (rows: Record<string, unknown>[]) =>
    rows.map(({ station, lo, hi, mean, n }) => [station, Number(lo), Number(hi), Number(mean), Number(n)]);
  deepStrictEqual(numbers(rows), numbers(await alone(pinned(file))));

  const bench = 'stations';
  const size = `${ROWS / 1e6} M rows`;
  const mib = (bytes: number) => bytes / 1024 ** 2;
  return [
    {
      bench,
      what: `${size}, sql / DuckDB, pinned columns, ${THREADS} threads`,
      ours: times.ours,
      peer: times.peer,
      target: '<= 1.25x',
      met: times.ours <= 1.25 * times.peer,
    },
    { bench, what: `${size}, sql / DuckDB, auto-detect`, ours: times.ours, peer: times.detecting, target: '' },
    { bench, what: 'peak memory of the worker', ours: mib(memory), unit: 'MiB', target: '< 1 GiB', met: memory < GIB },
    { bench, what: 'the same for a tenth of the rows', ours: mib(memoryOfTenth), unit: 'MiB', target: 'flat' },
  ];
}
