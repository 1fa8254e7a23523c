import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WindowInput } from '../../src/contract.js';
import type { JobProgress } from '../../src/core/job.js';
import { NO_COUNTS } from '../../src/core/records.js';
import { testServer } from '../helpers/temporal-server.js';
import { startStubWorker } from './support/stub-worker.js';
import type { StubJob } from './support/stub-worker.js';

const CHUNKS = 1300;
const LANES = 24;

let worker: Awaited<ReturnType<typeof startStubWorker>>;
beforeAll(async () => {
  worker = await startStubWorker('windows');
});
afterAll(() => worker.stop());

/** @param hold what the ranges from the second window on wait for */
function start(hold?: Promise<void>): Promise<StubJob> {
  const range = async ({ from }: { from: number }) => {
    await (from > 600 && hold ? hold : sleep(2));
    return { counts: { ...NO_COUNTS, in: from, used: from, out: 1 }, bytes: 10, outBytes: 1 };
  };
  // Those that wait hear of a cancellation by their heartbeats; the others do not beat, and must not be late for it.
  const options = hold && { timeout: { heartbeat: '1s' } };
  return worker.start({ chunks: CHUNKS, concurrency: LANES, range }, options);
}

function valueOf<T>({ payloads }: { payloads?: Array<{ data?: Uint8Array | null }> | null }): T {
  return JSON.parse(Buffer.from(payloads![0]!.data!).toString()) as T;
}

async function windowsOf(id: string) {
  const { client } = await testServer();
  return [0, 500, 1000].map((from) => client.workflow.getHandle(`${id}/${from}`));
}

describe('a job of more than 500 activities', () => {
  let stub: StubJob;
  let job: StubJob['handle'];
  beforeAll(async () => {
    stub = await start();
    job = stub.handle;
    await job.result();
  });

  it('runs each once in windows whose histories are bounded, and adds up all totals', async () => {
    expect([...stub.ended].sort((a, b) => a - b)).toEqual(Array.from({ length: CHUNKS }, (_, i) => i));

    const { chunks, records, bytes } = await job.query<JobProgress>('progress');
    expect(chunks).toMatchObject({ total: CHUNKS, done: CHUNKS });
    expect(records).toEqual({
      ...NO_COUNTS,
      in: (CHUNKS * (CHUNKS - 1)) / 2,
      used: (CHUNKS * (CHUNKS - 1)) / 2,
      out: CHUNKS,
    });
    expect(bytes.done).toBe(CHUNKS * 10);

    const lengths = [];
    for (const handle of [job, ...(await windowsOf(job.workflowId))]) {
      const { historyLength, status } = await handle.describe();
      expect(status.name).toBe('COMPLETED');
      lengths.push(historyLength);
    }
    expect(Math.max(...lengths)).toBeLessThan(4096);
    expect(lengths[0]).toBeLessThan(400);
  });

  it('hands lanes from window to window and never opens more than it has', async () => {
    const [, second, third] = await windowsOf(job.workflowId);
    expect(stub.mostOpen()).toBeLessThanOrEqual(LANES);
    expect(stub.mostOpen()).toBeGreaterThan(1);
    const leased = async (handle: typeof second) => {
      const { events } = await handle!.fetchHistory();
      const signals = events!.map((event) => event.workflowExecutionSignaledEventAttributes);
      return {
        first: valueOf<WindowInput>(events![0]!.workflowExecutionStartedEventAttributes!.input!).lanes,
        later: signals.flatMap((signal) => (signal?.signalName === 'lanes' ? [valueOf<number>(signal.input!)] : [])),
      };
    };
    const [two, three] = [await leased(second), await leased(third)];
    // Lent at its start or later; what a window gave back it may be lent again, so the sum says nothing.
    for (const { first, later } of [two, three]) {
      for (const lent of [first, ...later]) expect(lent).toBeLessThanOrEqual(LANES);
      expect(first + later.reduce((sum, lanes) => sum + lanes, 0)).toBeGreaterThan(0);
    }
  });

  it('is cancelled with its windows', async () => {
    let release!: () => void;
    const { handle: job } = await start(new Promise((resolve) => (release = resolve)));
    const [, second] = await windowsOf(job.workflowId);
    await expect
      .poll(
        () =>
          second!.describe().then(
            ({ status }) => status.name,
            () => null,
          ),
        { timeout: 20_000 },
      )
      .toBe('RUNNING');
    await job.cancel();
    release();
    await expect(job.result()).rejects.toThrow();
    expect((await job.describe()).status.name).toBe('CANCELLED');
    expect((await second!.describe()).status.name).toBe('CANCELLED');
  });
});
