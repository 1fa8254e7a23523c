import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from } from 'pg-copy-streams';
import { createTables } from '../src/stores/postgres/tables.js';
import { startPostgres } from '../test/helpers/postgres-server.js';
import { alternate, flightsFile, startServices } from './harness.js';
import type { Line } from './report.js';

const ROUNDS = 3;
const RECORDS = 3_000_000;

/** Three million rows into a table, from a CSV: by a job, and by COPY of the same file alone. */
export async function postgres(): Promise<Line[]> {
  const server = await startPostgres();
  process.env.MILLRACE_POSTGRES_BENCH = server.url;
  const services = await startServices();
  try {
    const file = await flightsFile();
    const process = { use: 'sql', with: { map: 'select * from chunk' } };
    const job = (uri: string) => services.run({ source: { uri: file }, process, sink: { uri, ifExists: 'replace' } });
    await job('postgres://bench/ours');
    await server.query('create table peer (like ours); create table sunk (like ours)');
    const times = await alternate(ROUNDS, {
      fresh: async () => {
        await server.query('truncate ours');
        await job('postgres://bench/ours');
      },
      perChunk: async () => {
        await server.query('truncate ours');
        await services.run({
          source: { uri: file },
          process,
          sink: { uri: 'postgres://bench/ours', ifExists: 'append', visible: 'perChunk' },
        });
      },
      ours: () => job('postgres://bench/ours'),
      peer: () => copyFile(server.url, file),
      sink: async () => {
        await server.query('truncate sunk');
        await loadFile(server.url, file);
      },
      reading: () =>
        services.run({
          source: { uri: 'postgres://bench/peer' },
          process: {
            use: 'sql',
            with: { map: 'select count(*) n from chunk', reduce: 'select sum(n) n from partials' },
          },
        }),
    });
    const [row] = await server.query<{ same: boolean }>(
      'select (select count(*) from ours) = (select count(*) from peer) as same',
    );
    if (!row!.same) throw new Error('the tables differ');
    const bench = 'postgres';
    return [
      {
        bench,
        what: '3 M rows of CSV into an empty table / COPY of the file alone',
        ours: times.fresh,
        peer: times.peer,
        target: '<= 1.5x',
        met: times.fresh <= 1.5 * times.peer,
      },
      {
        bench,
        what: 'the same rows by the sink alone / COPY',
        ours: times.sink,
        peer: times.peer,
        target: '<= 1.5x',
        met: times.sink <= 1.5 * times.peer,
      },
      {
        bench,
        what: 'the same, visible range by range',
        ours: times.perChunk,
        peer: times.peer,
        target: '<= 1.5x',
        met: times.perChunk <= 1.5 * times.peer,
      },
      {
        bench,
        what: 'in place of 3 M others, which are read until then / emptied and COPY',
        ours: times.ours,
        peer: times.peer,
        target: '',
      },
      { bench, what: 'the same table copied and counted', ours: times.reading, target: '' },
    ];
  } finally {
    await services.stop();
    await server.stop();
  }
}

/** What the commit of a job does, its rows being there. */
async function loadFile(url: string, path: string): Promise<void> {
  const handle = await open(path);
  const header = (await handle.read(Buffer.alloc(1024), 0, 1024, 0)).buffer.toString().split('\n')[0]!;
  const columns = header.split(',');
  const start = header.length + 1;
  const blocks = handle.createReadStream({ start, highWaterMark: 4 * 1024 ** 2 });
  const pieces = (async function* () {
    yield { columns, records: RECORDS, blocks: blocks as AsyncIterable<Buffer> };
  })();
  const load = {
    uri: 'postgres://bench/sunk',
    job: randomUUID(),
    generation: 0,
    columns: columns.map((name) => ({ name, type: 'VARCHAR' })),
    ifExists: 'error' as const,
  };
  try {
    await createTables({ bench: url }).load({ ...load, pieces, signal: new AbortController().signal });
  } finally {
    await handle.close().catch(() => undefined);
  }
}

/** As a sink that replaces does it: emptied and filled in one transaction. */
async function copyFile(connectionString: string, path: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const file = await open(path);
  try {
    await client.query('begin');
    await client.query('truncate peer');
    await pipeline(file.createReadStream(), client.query(from('copy peer from stdin (format csv, header)')));
    await client.query('commit');
  } finally {
    await file.close().catch(() => undefined);
    await client.end();
  }
}
