import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { JobView } from '../src/core/job.js';
import { alternate, call, script, type Services } from './harness.js';
import type { Line } from './report.js';

const ROUNDS = 40;
const QUEUE = 'bench-no-op';

export const ONE_ITEM_JOB = {
  name: 'one-item',
  source: { items: [{ n: 1 }] },
  process: { use: 'pass' },
};

const SQL_JOB = {
  name: 'one-item-sql',
  source: { items: [{ n: 1 }, { n: 2 }] },
  process: { use: 'sql', with: { map: 'select n from chunk', reduce: 'select sum(n)::bigint n from partials' } },
};

/** From POST to the result of a job of one chunk, against a bare workflow with one activity that does nothing. */
export async function smallJob({ api, client, run, addresses }: Services): Promise<Line[]> {
  const worker = script('no-op-worker.ts', [addresses.temporal, QUEUE]);
  await once(worker, 'message');
  const byHandle = async (spec: unknown) => {
    const { id } = await call<JobView>(`${api}/v1/jobs`, spec);
    await client.workflow.getHandle(id).result();
  };
  try {
    const times = await alternate(ROUNDS, {
      peer: () => client.workflow.execute('noOp', { workflowId: randomUUID(), taskQueue: QUEUE }),
      record: () => run(ONE_ITEM_JOB),
      recordByHandle: () => byHandle(ONE_ITEM_JOB),
      sql: () => run(SQL_JOB),
      sqlByHandle: () => byHandle(SQL_JOB),
    });
    const line = (what: string, ours: number): Line => ({
      bench: 'small-job',
      what: `${what} / one no-op activity`,
      ours,
      peer: times.peer,
      target: '<= 2.5x',
      met: ours <= 2.5 * times.peer,
    });
    return [
      line('record, ?wait=', times.record),
      line('record, by handle', times.recordByHandle),
      line('sql map+reduce, ?wait=', times.sql),
      line('sql map+reduce, by handle', times.sqlByHandle),
    ];
  } finally {
    worker.kill();
  }
}
