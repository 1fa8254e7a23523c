import { setTimeout as sleep } from 'node:timers/promises';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROCESS_DATASET, chunksQueue } from '../../src/contract.js';
import type { Activities, ProcessDataset, RangeResult, WindowInput } from '../../src/contract.js';
import type { JobProgress, JobResult } from '../../src/core/job.js';
import type { PlanSummary, RangeInput } from '../../src/core/plan.js';
import { NO_COUNTS } from '../../src/core/records.js';
import { parseSpec } from '../../src/schema/spec.js';
import { newJobId } from '../../src/temporal/job-id.js';
import { testNativeConnection, testServer, testWorkflowBundle, uniqueTaskQueue } from '../helpers/temporal-server.js';

Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });

const CHUNKS = 1300;
const LANES = 24;
const taskQueue = uniqueTaskQueue('windows');

// The workflows are the real ones; activities that compute nothing let a thousand of them pass in seconds.
let open = 0;
let mostOpen = 0;
let hold: Promise<void> | null = null;
const ran: number[] = [];

function summary(spec: unknown): PlanSummary {
  const { options } = parseSpec(spec);
  const fixed = { name: 'big', processor: 'pass', sourceLabel: 'big.csv', chunksPerActivity: 1, warnings: [] };
  return {
    ...fixed,
    chunkCount: CHUNKS,
    bytes: CHUNKS * 10,
    records: CHUNKS,
    concurrency: LANES,
    reduces: false,
    stitches: false,
    options,
  };
}

async function processChunks({ from, to }: RangeInput): Promise<RangeResult> {
  open++;
  mostOpen = Math.max(mostOpen, open);
  await (from > 600 && hold ? hold : sleep(2));
  ran.push(from);
  open--;
  const counts = { ...NO_COUNTS, in: from, used: from, out: 1 };
  return { chunks: to - from, counts, bytes: 10, outBytes: 1, unverified: 0 };
}

const activities: Partial<Activities> = {
  inspect: ({ spec }) => Promise.resolve(summary(spec)),
  processChunks,
  commit: () => Promise.resolve({ state: 'completed' } as JobResult),
  discard: () => Promise.resolve(),
};

let stop: () => Promise<void>;
beforeAll(async () => {
  const { namespace } = await testServer();
  const common = { connection: await testNativeConnection(), namespace, activities };
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue, workflowBundle: { codePath: testWorkflowBundle() } }),
    Worker.create({ ...common, taskQueue: chunksQueue(taskQueue), maxConcurrentActivityTaskExecutions: 100 }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  stop = async () => {
    workers.forEach((worker) => worker.shutdown());
    await running;
  };
});
afterAll(() => stop());

async function start() {
  const { client } = await testServer();
  const spec = { source: { items: [{}] }, process: { use: 'pass' }, options: { timeout: { heartbeat: '1s' } } };
  return client.workflow.start<ProcessDataset>(PROCESS_DATASET, { workflowId: newJobId(), taskQueue, args: [spec] });
}

function valueOf<T>({ payloads }: { payloads?: Array<{ data?: Uint8Array | null }> | null }): T {
  return JSON.parse(Buffer.from(payloads![0]!.data!).toString()) as T;
}

async function windowsOf(id: string) {
  const { client } = await testServer();
  return [0, 500, 1000].map((from) => client.workflow.getHandle(`${id}/${from}`));
}

describe('a job of more than 500 activities', () => {
  let job: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    job = await start();
    await job.result();
  });

  it('runs each once in windows whose histories are bounded, and adds up all totals', async () => {
    expect([...ran].sort((a, b) => a - b)).toEqual(Array.from({ length: CHUNKS }, (_, i) => i));

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
    expect(mostOpen).toBeLessThanOrEqual(LANES);
    expect(mostOpen).toBeGreaterThan(1);
    const leased = async (handle: typeof second) => {
      const { events } = await handle!.fetchHistory();
      const signals = events!.map((event) => event.workflowExecutionSignaledEventAttributes);
      return {
        first: valueOf<WindowInput>(events![0]!.workflowExecutionStartedEventAttributes!.input!).lanes,
        later: signals.flatMap((signal) => (signal?.signalName === 'lanes' ? [valueOf<number>(signal.input!)] : [])),
      };
    };
    const [two, three] = [await leased(second), await leased(third)];
    expect(two.first + three.first).toBeLessThanOrEqual(LANES);
    expect(three.later.reduce((sum, lanes) => sum + lanes, 0)).toBeGreaterThan(0);
  });

  it('is cancelled with its windows', async () => {
    let release!: () => void;
    hold = new Promise((resolve) => (release = resolve));
    const job = await start();
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
