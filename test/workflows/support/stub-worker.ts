import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { PROCESS_DATASET, chunksQueue } from '../../../src/contract.js';
import type { Activities, ProcessDataset, RangeResult } from '../../../src/contract.js';
import type { JobResult } from '../../../src/core/job.js';
import type { PlanSummary, RangeInput } from '../../../src/core/plan.js';
import { NO_TOTALS } from '../../../src/core/progress.js';
import { NO_COUNTS } from '../../../src/core/records.js';
import { parseSpec } from '../../../src/schema/spec.js';
import { newJobId } from '../../../src/temporal/job-id.js';
import {
  quietRuntime,
  testNativeConnection,
  testServer,
  testWorkflowBundle,
  uniqueTaskQueue,
} from '../../helpers/temporal-server.js';

quietRuntime();

/** What the activities of one job do. They compute nothing, so that a thousand of them pass in seconds. */
export interface Stub {
  chunks: number;
  chunksPerActivity?: number;
  endsAnywhere?: true;
  concurrency?: number;
  /** How many ranges have to be run again from elsewhere, and how many of them are known at a time. */
  restarts?: { count: number; atOnce: number };
  /** One range; default: done after two milliseconds. */
  range?(input: RangeInput): Promise<Partial<RangeResult> | void>;
}

export interface StubJob {
  handle: WorkflowHandle<ProcessDataset>;
  /** First chunks of the ranges that were begun, in that order. */
  begun: number[];
  /** First chunks of the ranges that ended. */
  ended: number[];
  givenUp: Array<{ from: number; to: number; code: string }>;
  /** Ranges at work now, and the most there ever were. */
  open(): number;
  mostOpen(): number;
  /** Forgets the most there were so far. */
  forgetMost(): void;
}

interface Running extends StubJob {
  stub: Stub;
}

/** The real workflows over activities that are stubs. */
export async function startStubWorker(name: string): Promise<{
  start(stub: Stub, options?: object): Promise<StubJob>;
  stop(): Promise<void>;
}> {
  const taskQueue = uniqueTaskQueue(name);
  const jobs = new Map<string, Running>();
  const { client, namespace } = await testServer();

  const activities: Partial<Activities> = {
    async inspect({ job, spec }): Promise<PlanSummary> {
      const { stub } = jobs.get(job)!;
      return {
        name: 'stub',
        processor: 'pass',
        sourceLabel: 'stub.csv',
        warnings: [],
        chunkCount: stub.chunks,
        chunksPerActivity: stub.chunksPerActivity ?? 1,
        bytes: stub.chunks * 10,
        records: stub.chunks,
        concurrency: stub.concurrency ?? 4,
        reduces: false,
        stitches: stub.restarts !== undefined,
        endsAnywhere: stub.endsAnywhere,
        options: parseSpec(spec).options,
      };
    },
    async processChunks(input) {
      const job = jobs.get(input.job)! as Running & { now: number; most: number };
      job.begun.push(input.from);
      job.now++;
      job.most = Math.max(job.most, job.now);
      try {
        const given = (await (job.stub.range ? job.stub.range(input) : sleep(2))) ?? {};
        if (!given.busy) job.ended.push(input.from);
        const chunks = given.busy ? 0 : input.to - input.from;
        return { ...NO_TOTALS, chunks, counts: { ...NO_COUNTS, in: chunks, used: chunks, out: chunks }, ...given };
      } finally {
        job.now--;
      }
    },
    async stitch({ job }) {
      const { stub, ended } = jobs.get(job)!;
      const { count, atOnce } = stub.restarts!;
      const done = ended.length - stub.chunks;
      const undo = { ...NO_TOTALS, chunks: 1, counts: { ...NO_COUNTS, in: 1, used: 1, out: 1 } };
      return Array.from({ length: Math.min(atOnce, count - done) }, (_, i) => {
        const from = (done + i) % stub.chunks;
        return { from, to: from + 1, start: 0, generation: 1, undo };
      });
    },
    async giveUp({ job, from, to, failure }) {
      jobs.get(job)!.givenUp.push({ from, to, code: failure.code });
      return { ...NO_TOTALS, failed: to - from };
    },
    commit: async () => ({ state: 'completed' }) as JobResult,
    discard: async () => undefined,
  };

  const common = { connection: await testNativeConnection(), namespace, activities };
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue, workflowBundle: { codePath: testWorkflowBundle() } }),
    Worker.create({ ...common, taskQueue: chunksQueue(taskQueue), maxConcurrentActivityTaskExecutions: 100 }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));

  return {
    async start(stub, options = {}) {
      const id = newJobId();
      const job = {
        stub,
        handle: client.workflow.getHandle<ProcessDataset>(id),
        begun: [],
        ended: [],
        givenUp: [],
        now: 0,
        most: 0,
        open: () => job.now,
        mostOpen: () => job.most,
        forgetMost: () => (job.most = job.now),
      } as Running & { now: number; most: number };
      jobs.set(id, job);
      const spec = { source: { items: [{}] }, process: { use: 'pass' }, options };
      await client.workflow.start<ProcessDataset>(PROCESS_DATASET, { workflowId: id, taskQueue, args: [spec] });
      return job;
    },
    async stop() {
      workers.forEach((worker) => worker.shutdown());
      await running;
    },
  };
}
