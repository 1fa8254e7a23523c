import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorker } from '../../src/worker.js';
import { makePlace } from '../helpers/engine.js';
import type { Place } from '../helpers/engine.js';
import { testWorkflowBundle } from '../helpers/temporal-server.js';

const CHUNK_MS = 10_000;

let place: Place;
beforeAll(async () => {
  place = await makePlace('shutdown', { threads: 1 });
});
afterAll(() => place.remove());

it('a worker that is told to stop hands its chunk back within seconds, and another one does it: no attempt is lost', async () => {
  const start = () => startWorker(place.config, { workflowBundle: testWorkflowBundle() });
  const leaving = await start();
  const { handle } = await place.start({
    source: { items: [{ n: 1 }, { n: 2 }] },
    process: { use: 'slow', with: { ms: CHUNK_MS } },
    // Leaving costs no attempt: there is but one.
    options: { chunk: { rows: 1 }, concurrency: 1, retry: { attempts: 1 } },
  });
  // Not before its first beat: a task that the server has given away may still be on its way to the worker.
  const atWork = async () => (await handle.describe()).raw.pendingActivities?.[0]?.lastHeartbeatTime ?? null;
  await expect.poll(atWork).not.toBeNull();

  const began = Date.now();
  await leaving.stop();
  expect(Date.now() - began).toBeLessThan(CHUNK_MS);
  const staying = await start();
  expect((await handle.result()).counts.out).toBe(2);
  // Handed back, not found out by a missing heartbeat: that would have been the only attempt.
  const { events } = await handle.fetchHistory();
  const attempts = events!.flatMap((event) => event.activityTaskStartedEventAttributes?.attempt ?? []);
  expect(attempts).toEqual([1, 1, 1]);
  await staying.stop();
});
