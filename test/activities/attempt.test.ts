import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runAttempt } from '../../activities/attempt.js';
import type { RangeInput } from '../../src/core/plan.js';
import type { ThreadPool } from '../../src/processors/pool.js';
import type { Death, Poison, ProbeInput, ProcessInput, RecordUnit } from '../../src/processors/tasks.js';

const RECORDS = 60;
const RANGE: RangeInput = { job: 'j', from: 0, to: 1, generation: 0 };

interface Ran {
  poison: Poison[];
}

/**
 * A pool whose processes die by arithmetic: of what may befall a range the real ones cover some, this one all.
 * @param deadly records that end their process
 * @param batch records that are with the processor at once
 * @param vanishAt the call at which the whole worker is gone
 */
function dyingPool(deadly: Set<number>, batch: number, vanishAt = Infinity) {
  let calls = 0;
  let ranInThread = 0;
  const death = (unit: RecordUnit): { death: Death } => ({
    death: { code: 'processor.crashed', how: 'exit code 1', unit },
  });
  const run = (task: string, input: ProcessInput | ProbeInput) => {
    if (++calls === vanishAt) throw new Error('vanished');
    const known = new Set(input.poison!.map(({ record }) => record));
    const dies = (record: number) => deadly.has(record) && !known.has(record);
    const { first, count } = task === 'probe' ? (input as ProbeInput).unit : { first: 0, count: RECORDS };
    for (let record = first; record < first + count; record++) {
      if (!dies(record)) continue;
      return death(task === 'probe' ? { first: record, count: 1 } : { first: record - (record % batch), count: batch });
    }
    return { output: { poison: input.poison } };
  };
  const pool = {
    run: () => Promise.resolve({ poison: [], inThread: ++ranInThread }),
    runForked: (task: string, input: ProcessInput) => Promise.resolve().then(() => run(task, input)),
  } as unknown as ThreadPool;
  return { pool, calls: () => calls };
}

/** Runs one attempt. @returns what it gave, or what it threw, and its heartbeats */
async function attempt(pool: ThreadPool, attempt: number, heartbeatDetails?: unknown) {
  const info = { attempt, heartbeatDetails, startToCloseTimeoutMs: 60_000 };
  const environment = new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
  const beats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => beats.push(details));
  const end = await environment
    .run(() => runAttempt(pool, RANGE))
    .then(
      (output) => ({ output: output as Ran }),
      (error: unknown) => ({ error }),
    );
  return { ...end, beats };
}

const deadlySets = fc.uniqueArray(fc.nat(RECORDS - 1), { maxLength: 12 }).map((records) => new Set(records));

describe('the search for records that end their process', () => {
  it('finds all of them and no other, however many are with the processor at once', async () => {
    await fc.assert(
      fc.asyncProperty(deadlySets, fc.constantFrom(1, 4, 15, 60), async (deadly, batch) => {
        const { pool } = dyingPool(deadly, batch);
        const { output } = (await attempt(pool, 2)) as { output: Ran };
        expect(output.poison.map(({ record }) => record)).toEqual([...deadly].sort((a, b) => a - b));
      }),
    );
  });

  it('goes on in the next attempt where the last one vanished, and repeats no more than the step it was at', async () => {
    await fc.assert(
      fc.asyncProperty(
        deadlySets,
        fc.constantFrom(1, 15),
        fc.integer({ min: 1, max: 20 }),
        async (deadly, batch, at) => {
          const whole = dyingPool(deadly, batch);
          await attempt(whole.pool, 2);

          const dying = dyingPool(deadly, batch, at);
          const first = await attempt(dying.pool, 2);
          // Its first beat holds the search itself: as it stood when the attempt vanished.
          const last = structuredClone(first.beats[0]);
          const next = dyingPool(deadly, batch);
          const second = 'error' in first ? await attempt(next.pool, 3, last) : first;
          const { output } = second as { output: Ran };
          expect(output.poison.map(({ record }) => record)).toEqual([...deadly].sort((a, b) => a - b));
          expect(dying.calls() + next.calls()).toBeLessThanOrEqual(whole.calls() + 1);
        },
      ),
    );
  });

  it('gives up a processor that survives no record', async () => {
    const { pool } = dyingPool(new Set(Array.from({ length: RECORDS }, (_, n) => n)), 1);
    expect(await attempt(pool, 2)).toMatchObject({
      error: {
        code: 'processor.crashed',
        retryable: false,
        message:
          '32 records of chunk 1 each end the process of the processor, the last one as: the processor ended its process (exit code 1); mend the processor',
      },
    });
  });
});

describe('an attempt runs in a thread', () => {
  const ended = (code: string) => ({ bytes: 0, records: 0, ended: code });
  it.each([
    ['the first one', 1, undefined, true],
    ['after one that failed by itself', 2, ended('processor.failed'), true],
    ['after one that vanished', 2, { bytes: 7, records: 1 }, false],
    ['after one that vanished before its first beat', 2, undefined, false],
    ['after one that lost its thread', 2, ended('worker.thread_lost'), false],
    ['after one in a process of its own', 2, { ...ended('processor.failed'), search: { poison: [], slow: [] } }, false],
  ])('%s: %#', async (_, number, before, inThread) => {
    const { output } = (await attempt(dyingPool(new Set(), 1).pool, number, before)) as { output: object };
    expect('inThread' in output).toBe(inThread);
  });
});
