import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import type { Dependencies } from '../../activities/dependencies.js';
import { watchSchedules } from '../../activities/watch-schedules.js';
import { keys } from '../../src/core/receipt.js';
import type { Notice } from '../../src/core/notice.js';
import type { EndedRun, ScheduleWatch, WatchState } from '../../src/core/schedule-watch.js';
import { parseSchedule } from '../../src/schema/schedule.js';
import type { WorkArea } from '../../src/stores/port.js';

const DAY_MS = 86_400_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

/** A server with two schedules, of which only the first has somebody to tell. */
function world(notifyUrls: string[] = []) {
  const documentOf = (id: string, notify: string[]) =>
    parseSchedule({ id, spec: {}, when: { solar: { event: 'sunrise', latitude: 0, longitude: 0 } }, notify }).document;
  const documents = { told: documentOf('told', ['http://own/']), silent: documentOf('silent', []) };
  const server = {
    counts: { told: { started: 0, missed: 0, skipped: 0 }, silent: { started: 0, missed: 0, skipped: 0 } },
    changedAt: { told: ago(40 * DAY_MS), silent: ago(DAY_MS) },
    ended: [] as EndedRun[],
    renewed: [] as string[],
    notices: [] as Array<{ notice: Notice; urls: readonly string[] }>,
  };
  const watch: ScheduleWatch = {
    ids: ({ all }) => Promise.resolve(all ? ['told', 'silent'] : ['told']),
    look: (id) => {
      const known = id as 'told' | 'silent';
      return Promise.resolve({
        document: documents[known],
        counts: { ...server.counts[known] },
        changedAt: server.changedAt[known],
      });
    },
    endedSince: () => Promise.resolve(server.ended),
    renew: (id) => Promise.resolve(void server.renewed.push(id)),
    tell: (notice, urls) => Promise.resolve(void server.notices.push({ notice, urls })),
  };
  let kept: string | null = null;
  const work = {
    tryRead: () => Promise.resolve(kept === null ? null : Buffer.from(kept)),
    replace: (key: string, text: string) => {
      expect(key).toBe(keys.watch('q'));
      kept = text;
      return Promise.resolve();
    },
  } as unknown as WorkArea;
  const look = () =>
    new MockActivityEnvironment().run(() =>
      watchSchedules({ work, watch, taskQueue: 'q', notifyUrls } as unknown as Dependencies),
    );
  const remember = (change: (state: WatchState) => void) => {
    const state = JSON.parse(kept!) as WatchState;
    change(state);
    kept = JSON.stringify(state);
  };
  return { server, look, remember };
}

const run = (schedule: string, state: EndedRun['state'], n: number): EndedRun => ({
  schedule,
  job: `j${n}`,
  run: `r${n}`,
  name: 'x',
  state,
  endedAt: ago(1000 - n),
  time: null,
});

it('tells what is new since the last look, each once; of what was before the first it says nothing', async () => {
  const { server, look } = world();
  server.counts.told.missed = 3;
  expect(await look()).toBe(0);
  server.counts.told.missed = 5;
  server.counts.told.skipped = 1;
  server.ended = [
    run('told', 'failed', 1),
    run('told', 'completed', 2),
    run('told', 'completed', 3),
    run('silent', 'failed', 4),
  ];
  expect(await look()).toBe(4);
  expect(
    server.notices.map(({ notice: { type, schedule, job }, urls }) => [type, schedule!.count ?? job!.id, ...urls]),
  ).toEqual([
    ['schedule.missed', 2, 'http://own/'],
    ['schedule.skipped', 1, 'http://own/'],
    ['schedule.failed', 'j1', 'http://own/'],
    ['schedule.recovered', 'j2', 'http://own/'],
  ]);
  expect(await look()).toBe(0);
});

it('tells the webhooks of the configuration about every schedule', async () => {
  const { server, look } = world(['http://all/']);
  await look();
  server.ended = [run('told', 'failed', 1), run('silent', 'failed', 2)];
  await look();
  expect(server.notices.map(({ notice, urls }) => [notice.schedule!.id, ...urls])).toEqual([
    ['told', 'http://own/', 'http://all/'],
    ['silent', 'http://all/'],
  ]);
});

it('renews once a day what was written out a month ago', async () => {
  const { server, look, remember } = world();
  await look();
  expect(server.renewed).toEqual([]);
  remember((state) => (state.renewedAt = ago(DAY_MS + 1000)));
  await look();
  expect(server.renewed).toEqual(['told']);
  await look();
  expect(server.renewed).toEqual(['told']);
  remember((state) => (state.renewedAt = ago(DAY_MS + 1000)));
  server.changedAt = { told: ago(1000), silent: ago(31 * DAY_MS) };
  await look();
  expect(server.renewed).toEqual(['told', 'silent']);
});
