/** Schedules across the death of everything: no nominal time twice, none lost that `catchup` allows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ScheduleView } from '../../src/core/schedule-view.js';
import { eventually } from '../helpers/eventually.js';
import { startCluster } from './cluster.js';
import type { Cluster, Member } from './cluster.js';
import { FULL } from './full.js';

const EVERY_S = FULL ? 60 : 2;
/** Longer than the shortest catch-up that the server takes, by more than one nominal time. */
const AWAY_MS = FULL ? 200_000 : 15_000;
const DIE: Member[] = ['worker-a', 'api', 'temporal'];

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 60_000);
afterAll(() => cluster.stop());

async function schedule(id: string, catchup: string): Promise<void> {
  const body = {
    spec: { source: { items: [{ at: '{{scheduledTime}}' }] }, process: { use: 'sql', with: { map: 'from chunk' } } },
    when: { every: `${EVERY_S}s` },
    overlap: 'allowAll',
    catchup,
  };
  const answer = await fetch(`${cluster.api}/v1/schedules/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(201);
}

const view = async (id: string) => (await (await fetch(`${cluster.api}/v1/schedules/${id}`)).json()) as ScheduleView;

/** Nominal times of all runs, in seconds, as the server marked them, in order. */
async function nominalTimes(id: string): Promise<number[]> {
  const client = await cluster.client();
  const times: number[] = [];
  for await (const run of client.workflow.list({ query: `MillraceSchedule = '${id}'` })) {
    const time = run.typedSearchAttributes.getAll().find(({ key }) => key.name === 'TemporalScheduledStartTime')!.value;
    times.push((time as Date).getTime() / 1000);
  }
  return times.sort((a, b) => a - b);
}

const steps = (times: readonly number[]) => times.slice(1).map((time, n) => time - times[n]!);

it(
  'the server, the API and a worker killed across fire times: all are caught up within catchup, the others are counted as missed',
  async () => {
    await schedule('patient', '1h');
    await schedule('hasty', '10s');
    // Both: what a schedule that has not fired yet misses is no gap between its runs.
    for (const id of ['patient', 'hasty']) {
      await eventually(
        async () => (await view(id)).recent.some(({ state }) => state === 'completed'),
        2 * EVERY_S * 1000 + 20_000,
      );
    }

    for (const member of DIE) await cluster.kill(member);
    await sleep(AWAY_MS);
    for (const member of [...DIE].reverse()) await cluster.start(member);
    const back = Date.now() / 1000;

    // Both fire again in their own time.
    await eventually(
      async () => (await nominalTimes('hasty')).some((time) => time > back),
      3 * EVERY_S * 1000 + 20_000,
    );
    const patient = await nominalTimes('patient');
    expect(new Set(steps(patient))).toEqual(new Set([EVERY_S]));

    const hasty = await nominalTimes('hasty');
    expect(new Set(hasty).size).toBe(hasty.length);
    const gaps = steps(hasty).reduce((sum, step) => sum + step / EVERY_S - 1, 0);
    expect(gaps).toBeGreaterThanOrEqual(1);
    const { counts } = await view('hasty');
    // A server that comes back may count a nominal time twice: six for three were seen.
    expect(counts.missed).toBeGreaterThanOrEqual(gaps);
    expect((await view('patient')).counts).toMatchObject({ missed: 0, skipped: 0 });
  },
  FULL ? 600_000 : 120_000,
);
