/**
 * A job puts its rows into a table range by range, and a worker is killed while it does. Each row is there once.
 *
 * SEED=… repeats what was printed.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../helpers/postgres-server.js';
import type { PostgresServer } from '../helpers/postgres-server.js';
import { randomOf } from '../helpers/random.js';
import { startCluster } from './cluster.js';
import type { Cluster } from './cluster.js';
import { csvText, fatesOf } from './records.js';

const SEED = Number(process.env.SEED ?? 1);
const RUNS = 2;

let server: PostgresServer;
let cluster: Cluster;
beforeAll(async () => {
  console.log(`[faults] SEED=${SEED}`);
  server = await startPostgres();
  cluster = await startCluster(1, { MILLRACE_POSTGRES_DB: server.url });
  await writeFile(path.join(cluster.data, 'records.csv'), csvText());
}, 120_000);
afterAll(async () => {
  await cluster?.stop();
  await server?.stop();
});

describe(`a worker that is killed while rows become visible (SEED=${SEED})`, () => {
  it.each(Array.from({ length: RUNS }, (_, n) => n))(
    'run %i: doubles none and loses none',
    async (n) => {
      const random = randomOf(SEED * 1_000_003 + n);
      const table = `run_${n}`;
      const count = async () => (await server.query<{ n: number }>(`select count(*)::int n from ${table}`))[0]!.n;
      const wanted = 1 + random.below(900);
      let seen = 0;
      const strike = async () => {
        // What is seen before the end of the job is what this is about.
        while (seen < wanted) {
          seen = await count().catch(() => 0);
          await sleep(5);
        }
        await cluster.kill(random.pick(['worker-a', 'worker-b']));
      };
      let struck: Promise<void> | undefined;
      const job = await cluster.run(
        {
          source: { uri: path.join(cluster.data, 'records.csv'), csv: { types: { n: 'int' } } },
          process: { use: 'copy-slowly', with: { ms: 20 } },
          sink: { uri: `postgres://db/${table}`, visible: 'perChunk' },
          options: {
            chunk: { bytes: '10KiB' },
            rejects: { action: 'quarantine' },
            timeout: { heartbeat: '2s' },
            retry: { first: '50ms' },
          },
        },
        table,
        () => void (struck = strike()),
      );
      await struck;
      expect(job.state).toBe('completed_with_rejects');
      const fates = fatesOf({ refuses: true, filters: true });
      expect(seen).toBeLessThan(fates.used.length);
      const rows = await server.query<{ id: number }>(`select id::int from ${table} order by 1`);
      expect(rows.map(({ id }) => id).join()).toBe(fates.used.join());
      for (const member of ['worker-a', 'worker-b'] as const) {
        await cluster.kill(member);
        await cluster.start(member);
      }
    },
    60_000,
  );
});
