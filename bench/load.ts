import { setTimeout as sleep } from 'node:timers/promises';
import type { JobView } from '../src/core/job.js';
import { call, median, percentile, perSecond, WARM_UP, type Services } from './harness.js';
import type { Line } from './report.js';
import { sameStart } from './same-start.js';

const STARTS = 1000;
const TURNS = 5;
const JOBS = 10_000;
const WATCHERS = 200;
const READS = 600;
/** Between two reads of one reader, as people and boards read. */
const PAUSE_MS = 10;

/** A job that waits: what is measured is taking it, not doing it. */
const spec = (n: number) => ({
  name: `load-${n % 10}`,
  source: { items: [{ n }] },
  process: { use: 'pass' },
  options: { start: { delay: '1d' } },
});

/** Many callers at once: how many jobs are taken a second, and how long reads take with many jobs and many who watch. */
export async function load(services: Services): Promise<Line[]> {
  const { api, client } = services;
  const line = (what: string, ours: number, unit: string, more: Partial<Line> = {}): Line => ({
    bench: 'load',
    what,
    ours,
    unit,
    target: '',
    ...more,
  });
  const bare = await perSecond(STARTS, (n) =>
    client.workflow.start('loadNothing', { workflowId: `bare-${n}`, taskQueue: 'nobody', startDelay: '1d' }),
  );
  const startSame = sameStart(client, spec(0), { taskQueue: 'nobody', startDelay: '1d' });
  const take = (n: number) => call(`${api}/v1/jobs`, spec(n));
  await perSecond(WARM_UP, take);
  await perSecond(WARM_UP, (n) => startSame(`warm-${n}`));
  // By turns, for the server takes the fewer a second the more it has.
  const turns: Array<{ same: number; ours: number }> = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const same = await perSecond(STARTS, (n) => startSame(`same-${turn * STARTS + n}`));
    turns.push({ same, ours: await perSecond(STARTS, take) });
  }
  const same = median(turns.map((turn) => turn.same));
  const ours = median(turns.map((turn) => turn.ours));
  await perSecond(JOBS - WARM_UP - TURNS * STARTS, take);
  const { jobs } = await call<{ jobs: JobView[] }>(`${api}/v1/jobs?limit=200`);
  const ids = jobs.map(({ id }) => id);
  const watching = await watch(api, ids);
  await sleep(3000);
  const reads: Record<string, () => string> = {
    'GET /v1/jobs?limit=50': () => '/v1/jobs?limit=50',
    'GET /v1/jobs?name=': () => '/v1/jobs?name=load-3&limit=50',
    'GET /v1/jobs/{id}': () => `/v1/jobs/${ids[Math.floor(Math.random() * ids.length)]}`,
  };
  const lines: Line[] = [];
  for (const [what, path] of Object.entries(reads)) {
    const times = await timesOf(() => call(api + path()));
    const p99 = percentile(times, 0.99);
    lines.push(line(`${what} with ${JOBS} jobs and ${WATCHERS} who watch, median`, median(times), 'ms'));
    lines.push(line(`${what} …, 99th percentile`, p99, 'ms', { target: '< 100 ms', met: p99 < 100 }));
  }
  watching.abort();
  const limit = Math.min(500, same);
  return [
    line('jobs taken, and the same starts without an API', ours, '/s', {
      peer: same,
      target: `>= ${Math.round(limit)} /s`,
      met: ours >= limit,
    }),
    line('bare starts', bare, '/s'),
    ...lines,
  ];
}

/** Each watches one job, over a stream of its own. */
async function watch(api: string, ids: readonly string[]): Promise<AbortController> {
  const end = new AbortController();
  const streams = Array.from({ length: WATCHERS }, (_, n) =>
    fetch(`${api}/v1/jobs/${ids[n % ids.length]}/events`, { signal: end.signal }),
  );
  for (const { body } of await Promise.all(streams)) {
    void body!.pipeTo(new WritableStream()).catch(() => undefined);
  }
  return end;
}

async function timesOf(run: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < READS; n++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
    await sleep(PAUSE_MS);
  }
  return times;
}
