import { randomUUID } from 'node:crypto';
import {
  alternate,
  call,
  ended,
  freePort,
  millrace,
  perSecond,
  ready,
  script,
  WARM_UP,
  type Services,
} from './harness.js';
import type { Line } from './report.js';
import { sameStart } from './same-start.js';
import { ONE_ITEM_JOB } from './small-job.js';

const ROUNDS = 1000;
/** Nobody polls it, so only the acceptance is measured. */
const IDLE_QUEUE = 'bench-idle';

/**
 * `POST /v1/jobs` until its 202, against a bare start of a workflow on the same server, one that says as much as a job's, and a
 * service that does nothing else than that.
 */
export async function trigger({ client, env, addresses }: Services): Promise<Line[]> {
  const [port, plainPort] = [await freePort(), await freePort()];
  const [url, plainUrl] = [port, plainPort].map((one) => `http://127.0.0.1:${one}`) as [string, string];
  const idle = { MILLRACE_TASK_QUEUE: IDLE_QUEUE, TEMPORAL_ADDRESS: addresses.temporal, MILLRACE_PORT: String(port) };
  const api = millrace(['api'], { ...env, ...idle });
  const plainService = script('start-only-server.ts', [String(plainPort), addresses.temporal, IDLE_QUEUE]);
  try {
    await Promise.all([ready(url, api, '/healthz'), ready(plainUrl, plainService)]);
    const startSame = sameStart(client, ONE_ITEM_JOB, { taskQueue: IDLE_QUEUE });
    const ways = {
      ours: () => call(`${url}/v1/jobs`, ONE_ITEM_JOB),
      peer: () => client.workflow.start('nothing', { workflowId: randomUUID(), taskQueue: IDLE_QUEUE, args: [1] }),
      plain: () => call(plainUrl, ONE_ITEM_JOB),
      same: () => startSame(randomUUID()),
    };
    for (const way of Object.values(ways)) await perSecond(WARM_UP, way);
    const { ours, peer, plain, same } = await alternate(ROUNDS, ways);
    return [
      { bench: 'trigger', what: 'POST to 202 / bare start', ours, peer, target: '<= 1.5x', met: ours <= 1.5 * peer },
      { bench: 'trigger', what: 'POST to 202 / start with attributes, memo, summary', ours, peer: same, target: '' },
      { bench: 'trigger', what: 'POST to 202 / by a service that checks nothing', ours, peer: plain, target: '' },
    ];
  } finally {
    await Promise.all([api, plainService].map(ended));
  }
}
