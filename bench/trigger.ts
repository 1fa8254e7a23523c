import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { alternate, call, ended, freePort, millrace, perSecond, type Services } from './harness.js';
import type { Line } from './report.js';
import { sameStart } from './same-start.js';
import { ONE_ITEM_JOB } from './small-job.js';

const ROUNDS = 1000;
/** As many make the code of a service warm that is up for a while: by then a job costs it half of what the first ones do. */
const WARM_UP = 4000;
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
  const services = [
    millrace(['api'], { ...env, ...idle }),
    fork(
      fileURLToPath(new URL('start-only-server.ts', import.meta.url)),
      [String(plainPort), addresses.temporal, IDLE_QUEUE],
      {
        execArgv: ['--import', 'tsx'],
      },
    ),
  ];
  try {
    for (const one of [`${url}/healthz`, plainUrl]) {
      while (!(await fetch(one).catch(() => null))?.ok) await new Promise((again) => setTimeout(again, 20));
    }
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
      {
        bench: 'trigger',
        what: 'POST to 202 / the same by a service that checks nothing',
        ours,
        peer: plain,
        target: '',
      },
    ];
  } finally {
    await Promise.all(services.map(ended));
  }
}
