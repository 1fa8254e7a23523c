import { randomUUID } from 'node:crypto';
import { alternate, call, ended, freePort, millrace, type Services } from './harness.js';
import type { Line } from './report.js';
import { sameStart } from './same-start.js';
import { ONE_ITEM_JOB } from './small-job.js';

/** As many as make the code of a service warm that is up for a while. */
const ROUNDS = 1000;
/** Nobody polls it, so only the acceptance is measured. */
const IDLE_QUEUE = 'bench-idle';

/** `POST /v1/jobs` until its 202, against a bare start of a workflow on the same server, and one that says as much as a job's. */
export async function trigger({ client, env, addresses }: Services): Promise<Line[]> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const idle = { MILLRACE_TASK_QUEUE: IDLE_QUEUE, TEMPORAL_ADDRESS: addresses.temporal, MILLRACE_PORT: String(port) };
  const api = millrace(['api'], { ...env, ...idle });
  try {
    while (!(await fetch(`${url}/healthz`).catch(() => null))?.ok) await new Promise((again) => setTimeout(again, 20));
    const startSame = sameStart(client, ONE_ITEM_JOB, { taskQueue: IDLE_QUEUE });
    const { ours, peer, same } = await alternate(ROUNDS, {
      ours: () => call(`${url}/v1/jobs`, ONE_ITEM_JOB),
      peer: () => client.workflow.start('nothing', { workflowId: randomUUID(), taskQueue: IDLE_QUEUE, args: [1] }),
      same: () => startSame(randomUUID()),
    });
    return [
      { bench: 'trigger', what: 'POST to 202 / bare start', ours, peer, target: '<= 1.5x', met: ours <= 1.5 * peer },
      { bench: 'trigger', what: 'POST to 202 / start with attributes, memo, summary', ours, peer: same, target: '' },
    ];
  } finally {
    await ended(api);
  }
}
