import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { CancelledFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../helpers/engine.js';
import type { Engine, Job } from '../helpers/engine.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine('cancel');
});
afterAll(() => engine.stop());

const options = { timeout: { heartbeat: '1s' } };

/** Two heartbeats and the grace of a thread that does not listen make 7 s; none of the work below ends by itself in this time. */
const SOON_MS = 30_000;

/** Long to run, not to plan: lists of that size would be folded into constants first, and planning hears no interruption. */
const LONG_QUERY =
  'select sum(hash(a.n, b.n)) s from chunk, range(4000000) a(n), range(1000000) b(n) where a.n % 7 <> b.n % 11';

/** `PENDING_ACTIVITY_STATE_STARTED`. */
const STARTED = 2;

async function activityRuns({ handle }: Job): Promise<void> {
  await expect
    .poll(async () => (await handle.describe()).raw.pendingActivities?.some(({ state }) => Number(state) === STARTED), {
      timeout: 10_000,
    })
    .toBe(true);
}

/** Nothing was published or staged; what is in the work area is for a retry. */
async function publishesNothing(id: string): Promise<void> {
  expect(await engine.workOf(id)).toContain('ended.json');
  expect((await readdir(engine.data)).filter((name) => name.startsWith('.'))).toEqual([]);
  expect(existsSync(engine.at('out.ndjson'))).toBe(false);
}

async function worksOn(): Promise<void> {
  const items = [{ n: 1 }];
  expect((await engine.run({ source: { items }, process: { use: 'pass' } })).rows).toEqual(items);
}

describe('a job that is cancelled while it computes', () => {
  it.each([
    ['a processor that listens', { use: 'slow', with: { ms: 60_000 } }],
    ['a long query', { use: 'sql', with: { map: LONG_QUERY } }],
    ['a processor that never returns', { use: 'endless' }],
  ])('ends soon, publishes nothing, and the worker goes on: %s', async (_, process) => {
    const uri = await engine.write('rows.csv', `n\n${'1\n'.repeat(3000)}`);
    const sink = { uri: engine.at('out.ndjson') };
    const staged = await engine.staging();
    const job = await engine.start({ source: { uri }, process, sink, options: { ...options, chunk: { bytes: 3000 } } });
    await activityRuns(job);
    const began = Date.now();
    await job.handle.cancel();
    await expect(job.handle.result()).rejects.toMatchObject({ cause: expect.any(CancelledFailure) as unknown });
    expect(Date.now() - began).toBeLessThan(SOON_MS);
    expect((await job.handle.describe()).status.name).toBe('CANCELLED');
    await publishesNothing(job.id);
    // A thread that had to be ended cannot tidy up; the next worker that starts does, a day later.
    if (process.use !== 'endless') expect(await engine.staging()).toEqual(staged);
    await worksOn();
  });
});

describe('options.timeout', () => {
  it('job: ends the job as failed, cleans up', async () => {
    const spec = {
      source: { items: [{ n: 1 }] },
      process: { use: 'slow', with: { ms: 60_000 } },
      sink: { uri: engine.at('out.ndjson') },
      options: { timeout: { job: '1s', heartbeat: '1s' } },
    };
    const { id, code, message } = await engine.fail(spec);
    expect([code, message]).toEqual(['job.timeout', 'the job did not end within options.timeout.job (1000 ms)']);
    await publishesNothing(id);
  });

  it('chunk: gives an attempt up, and fails the job after the last one', async () => {
    const spec = {
      source: { items: [{ n: 1 }] },
      process: { use: 'slow', with: { ms: 60_000 } },
      options: { timeout: { chunk: '1s' }, retry: { attempts: 2, first: '1ms' } },
    };
    const staged = await engine.staging();
    const { id, code } = await engine.fail(spec);
    expect(code).toBe('job.step_timeout');
    await expect.poll(() => engine.staging()).toEqual(staged);
    await publishesNothing(id);
    await worksOn();
  });
});
