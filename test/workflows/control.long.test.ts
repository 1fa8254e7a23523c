import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobProgress } from '../../src/core/job.js';
import { NO_COUNTS } from '../../src/core/records.js';
import { failureOf } from '../../src/temporal/failures.js';
import { testServer } from '../helpers/temporal-server.js';
import { startStubWorker } from './support/stub-worker.js';
import type { Stub, StubJob } from './support/stub-worker.js';

let worker: Awaited<ReturnType<typeof startStubWorker>>;
beforeAll(async () => {
  worker = await startStubWorker('control');
});
afterAll(() => worker.stop());

const update = (job: StubJob, name: string, argument: unknown = null) =>
  job.handle.executeUpdate<JobProgress, [unknown]>(name, { args: [argument] });
const progress = (job: StubJob) => job.handle.query<JobProgress>('progress');
const begun = (job: StubJob, count: number) =>
  expect.poll(() => job.begun.length, { timeout: 20_000, interval: 5 }).toBeGreaterThanOrEqual(count);
/** What was handed out before comes to its end, and then nothing more begins for half a second. */
const quiet = async (job: StubJob) => {
  const stable = async () => {
    const before = job.begun.length;
    await sleep(500);
    return job.open() === 0 && job.begun.length === before;
  };
  await expect.poll(stable, { timeout: 10_000, interval: 0 }).toBe(true);
};
const all = (count: number) => Array.from({ length: count }, (_, i) => i);
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);
const failureCode = (job: StubJob) =>
  job.handle.result().then(
    () => 'completed',
    (error: unknown) => failureOf(error).code,
  );

/** One history, and one that is spread over child workflows. */
const SIZES: Array<[string, Stub]> = [
  ['a job', { chunks: 40, range: () => sleep(20) }],
  ['a job in windows', { chunks: 1200, concurrency: 24 }],
];

describe.each(SIZES)('%s that is paused', (_name, stub) => {
  it('hands out nothing more, shows why, and goes on when it is resumed: each chunk once', async () => {
    const job = await worker.start(stub);
    await begun(job, 5);
    const told = await update(job, 'pause', 'the geocoder is down');
    expect([told.state, told.paused]).toEqual(['paused', 'the geocoder is down']);
    await quiet(job);
    expect(job.ended.length).toBeLessThan(stub.chunks);
    expect(await progress(job)).toMatchObject({ state: 'paused', paused: 'the geocoder is down' });
    const { typedSearchAttributes } = await job.handle.describe();
    expect(typedSearchAttributes.getAll().find(({ key }) => key.name === 'MillraceState')?.value).toBe('paused');

    expect((await update(job, 'pause')).paused).toBe('by request');
    expect(await update(job, 'resume')).toMatchObject({ state: 'running', paused: null });
    expect(await update(job, 'resume')).toMatchObject({ state: 'running', paused: null });
    await job.handle.result();
    expect(sorted(job.ended)).toEqual(all(stub.chunks));
  });

  it('can be cancelled', async () => {
    const job = await worker.start(stub);
    await begun(job, 1);
    await update(job, 'pause');
    await job.handle.cancel();
    expect(await failureCode(job)).toBe('job.cancelled');
  });
});

describe.each(SIZES)('%s that is set while it runs', (_name, stub) => {
  it('takes fewer and more chunks at once', async () => {
    const job = await worker.start({ ...stub, range: () => sleep(30) });
    await begun(job, 5);
    expect((await update(job, 'set', { concurrency: 2 })).settings?.concurrency).toBe(2);
    await update(job, 'pause');
    await quiet(job);
    job.forgetMost();
    await update(job, 'resume');
    await begun(job, job.begun.length + 6);
    // Of two windows that are open each works on.
    expect(job.mostOpen()).toBeLessThanOrEqual(stub.chunks > 500 ? 3 : 2);
    job.forgetMost();
    await update(job, 'set', { concurrency: 12 });
    await job.handle.result();
    expect(job.mostOpen()).toBeGreaterThan(stub.chunks > 500 ? 3 : 2);
    expect(job.mostOpen()).toBeLessThanOrEqual(12);
    expect(sorted(job.ended)).toEqual(all(stub.chunks));
  });
});

describe('a job that is set while it runs', () => {
  it('holds its rate, and forgets it when it is lifted', async () => {
    const job = await worker.start({ chunks: 60, concurrency: 8 }, { rate: { chunks: '20/s' } });
    const began = Date.now();
    await begun(job, 20);
    // 19 chunks had to wait their twentieth of a second; waits below a tenth are saved up.
    expect(Date.now() - began).toBeGreaterThan(700);
    await update(job, 'set', { rate: { chunks: '1/h' } });
    await quiet(job);
    await update(job, 'set', { rate: null });
    await job.handle.result();
    expect(sorted(job.ended)).toEqual(all(60));
  });

  it('holds its rate in windows, one at a time', async () => {
    const job = await worker.start({ chunks: 700, concurrency: 24 }, { rate: { chunks: '2000/s' } });
    await job.handle.result();
    expect(sorted(job.ended)).toEqual(all(700));
  });

  it('gives its chunks the new priority', async () => {
    const job = await worker.start({ chunks: 30, range: () => sleep(30) });
    await begun(job, 4);
    await update(job, 'set', { priority: 1 });
    await job.handle.result();
    const { events } = await job.handle.fetchHistory();
    const keys = events!.flatMap((event) => {
      const scheduled = event.activityTaskScheduledEventAttributes;
      return scheduled ? [scheduled.priority?.priorityKey ?? 0] : [];
    });
    expect(keys[0]).toBe(0);
    expect(keys.at(-1)).toBe(1);
  });

  it('is judged by its new tolerance', async () => {
    const counts = { in: 1000, used: 900, filtered: 0, rejected: 100, out: 900 };
    const range = () => sleep(20).then(() => ({ counts }));
    const job = await worker.start({ chunks: 100, range }, { rejects: { action: 'skip' } });
    await begun(job, 4);
    await update(job, 'set', { rejects: { tolerate: '1%' } });
    expect(await failureCode(job)).toBe('rejects.not_tolerated');
  });

  it('refuses what makes no sense, and goes on as before', async () => {
    const job = await worker.start({ chunks: 30, range: () => sleep(20) });
    await begun(job, 1);
    await expect(update(job, 'set', { concurrency: 0, speed: 1 })).rejects.toMatchObject({
      cause: { type: 'job.bad_settings', message: expect.stringContaining('concurrency: wanted a whole number') },
    });
    await expect(update(job, 'pause', 5)).rejects.toMatchObject({ cause: { type: 'job.bad_settings' } });
    expect((await progress(job)).settings?.concurrency).toBe(4);
    await job.handle.result();
  });
});

const failing =
  (...bad: number[]) =>
  async ({ from, to }: { from: number; to: number }) => {
    await sleep(2);
    if (bad.some((chunk) => chunk >= from && chunk < to))
      throw ApplicationFailure.nonRetryable('no such city', 'processor.failed');
  };

describe('chunks that fail for good', () => {
  it('fail the job unless told otherwise', async () => {
    const job = await worker.start({ chunks: 20, range: failing(3) });
    expect(await failureCode(job)).toBe('processor.failed');
    expect(job.givenUp).toEqual([]);
  });

  it('are given up within tolerance, alone: a range of several is halved', async () => {
    const stub = { chunks: 64, chunksPerActivity: 16, range: failing(3, 37) };
    const job = await worker.start(stub, { failedChunks: { tolerate: 2 } });
    await job.handle.result();
    expect(job.givenUp.sort((a, b) => a.from - b.from)).toEqual([
      { from: 3, to: 4, code: 'processor.failed' },
      { from: 37, to: 38, code: 'processor.failed' },
    ]);
    expect((await progress(job)).chunks).toMatchObject({ total: 64, done: 62, failed: 2 });
  });

  it.each(SIZES)('end %s when there are more than it bears', async (_name, { chunks, concurrency }) => {
    const job = await worker.start({ chunks, concurrency, range: failing(3, 5, 9) }, { failedChunks: { tolerate: 2 } });
    expect(await failureCode(job)).toBe('chunks.not_tolerated');
  });

  it('are not those whose failure concerns the whole job', async () => {
    const range = () => Promise.reject(ApplicationFailure.nonRetryable('it grew', 'source.changed'));
    const job = await worker.start({ chunks: 20, range }, { failedChunks: { tolerate: '100%' } });
    expect(await failureCode(job)).toBe('source.changed');
  });
});

describe('a range of several chunks that does not end in time', () => {
  it('is halved until it does', async () => {
    const range = ({ from, to }: { from: number; to: number }) => sleep(to - from > 2 ? 3_000 : 2);
    const stub = { chunks: 16, chunksPerActivity: 8, range };
    const job = await worker.start(stub, { timeout: { chunk: '1s' }, retry: { attempts: 1 } });
    await job.handle.result();
    expect((await progress(job)).chunks).toMatchObject({ total: 16, done: 16, failed: 0 });
  });

  it('fails the job where one chunk alone takes too long', async () => {
    const range = ({ from }: { from: number }) => sleep(from === 4 ? 3_000 : 2);
    const job = await worker.start({ chunks: 8, range }, { timeout: { chunk: '1s' }, retry: { attempts: 1 } });
    expect(await failureCode(job)).toBe('job.step_timeout');
  });
});

describe('what a processor calls is busy', () => {
  it('costs no attempt: the chunk is run again after the time that was said', async () => {
    const refusals = new Map([[2, 3]]);
    const range = async ({ from }: { from: number }) => {
      await sleep(2);
      const left = refusals.get(from) ?? 0;
      refusals.set(from, left - 1);
      return left > 0 ? { busy: { message: 'answers 429', retryAfterMs: 20 } } : {};
    };
    const job = await worker.start({ chunks: 20, range }, { retry: { attempts: 1 } });
    await job.handle.result();
    expect(sorted(job.ended)).toEqual(all(20));
    expect(job.begun.filter((from) => from === 2)).toHaveLength(4);
  });

  it.each(SIZES)('pauses %s when it goes on refusing, and the job goes on when it is resumed', async (_name, stub) => {
    let busy = true;
    const range = async () => {
      await sleep(2);
      return busy ? { busy: { message: 'the geocoder answers 503', retryAfterMs: 5 } } : {};
    };
    const job = await worker.start({ ...stub, range });
    await expect.poll(async () => (await progress(job)).state, { timeout: 20_000, interval: 50 }).toBe('paused');
    expect((await progress(job)).paused).toMatch(/refused it 8 times in a row.*the geocoder answers 503/);
    await quiet(job);
    busy = false;
    await update(job, 'resume');
    await job.handle.result();
    expect(sorted(job.ended)).toEqual(all(stub.chunks));
  });
});

describe('a job whose activities leave rests', () => {
  const RANGES = 8;
  /** Time is up after each chunk. */
  const stubOf = (chunks: number, ms: number, told: number[] = [], ranges = RANGES): Stub => ({
    chunks,
    chunksPerActivity: chunks / ranges,
    endsAnywhere: true,
    async range({ from, to, patienceMs }) {
      await sleep(ms);
      if (patienceMs === undefined || from + 1 === to) return;
      told.push(patienceMs);
      return { next: from + 1, chunks: 1, counts: { ...NO_COUNTS, in: 1, used: 1, out: 1 } };
    },
  });

  it('does each chunk once in a history that is bounded: in the end nobody is told to hurry', async () => {
    const told: number[] = [];
    const chunks = 1200;
    const job = await worker.start(stubOf(chunks, 2, told));
    await job.handle.result();
    expect(await progress(job)).toMatchObject({
      chunks: { total: chunks, done: chunks },
      records: { in: chunks, out: chunks },
    });
    expect(new Set(job.begun).size).toBe(job.begun.length);
    expect(job.begun).toHaveLength(RANGES + told.length);
    // As many as a history has room for, and those that were at work when that was all.
    expect(told.length).toBeGreaterThanOrEqual(560 - RANGES);
    expect(told.length).toBeLessThan(560);
    expect(told[0]).toBe(10_000);
    expect(Math.max(...told)).toBeGreaterThan(10_000 * 200);
    expect((await job.handle.describe()).historyLength).toBeLessThan(4096);
  });

  it('is bounded in windows too', async () => {
    const told: number[] = [];
    const [chunks, ranges, lanes] = [1200, 600, 8];
    const job = await worker.start({ ...stubOf(chunks, 2, told, ranges), concurrency: lanes });
    await job.handle.result();
    expect((await progress(job)).chunks.done).toBe(chunks);
    expect(new Set(job.begun).size).toBe(job.begun.length);
    expect(job.begun).toHaveLength(ranges + told.length);
    // 60 rests of the first window, which has 500 ranges, and one of each of the 100 of the second.
    expect(told.length).toBeGreaterThanOrEqual(160);
    expect(told.length).toBeLessThan(160 + lanes);
    const { client } = await testServer();
    const window = await client.workflow.getHandle(`${job.handle.workflowId}/0`).describe();
    expect(window.historyLength).toBeGreaterThan(2000);
    expect(window.historyLength).toBeLessThan(4096);
  });

  it('hands out no rest while it is paused', async () => {
    const total = 320;
    const job = await worker.start(stubOf(total, 50));
    await begun(job, RANGES);
    await update(job, 'pause');
    await quiet(job);
    const { chunks } = await progress(job);
    expect(chunks.done).toBe(job.ended.length);
    expect(chunks.done).toBeLessThan(total);
    await update(job, 'resume');
    await job.handle.result();
    expect((await progress(job)).chunks.done).toBe(total);
  });
});
