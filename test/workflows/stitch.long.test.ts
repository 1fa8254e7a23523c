import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobProgress } from '../../src/core/job.js';
import { testServer } from '../helpers/temporal-server.js';
import { startStubWorker } from './support/stub-worker.js';

let worker: Awaited<ReturnType<typeof startStubWorker>>;
beforeAll(async () => {
  worker = await startStubWorker('stitch');
});
afterAll(() => worker.stop());

const CHUNKS = 40;

async function run(count: number, atOnce: number) {
  const job = await worker.start({ chunks: CHUNKS, concurrency: 16, restarts: { count, atOnce } });
  await job.handle.result();
  const { chunks, records } = await job.handle.query<JobProgress>('progress');
  expect(job.ended).toHaveLength(CHUNKS + count);
  // What was run again is counted once.
  expect([chunks.done, records.in]).toEqual([CHUNKS, CHUNKS]);
  const { client } = await testServer();
  const child = client.workflow.getHandle(`${job.handle.workflowId}/stitch`);
  const described = await child.describe().catch(() => null);
  return { root: await job.handle.describe(), child: described };
}

describe('ranges that begin elsewhere than guessed', () => {
  it('are run again by the job itself, as long as they are few', async () => {
    const { root, child } = await run(60, 100);
    expect(child).toBeNull();
    expect(root.historyLength).toBeLessThan(4096);
  });

  it.each([
    ['many at once', 650, 100],
    ['one after the other', 100, 1],
  ])('are left to a child, where they are many: %s, and no history grows without end', async (_, count, atOnce) => {
    const { root, child } = await run(count, atOnce);
    expect(root.historyLength).toBeLessThan(4096);
    expect(child!.historyLength).toBeLessThan(4096);
    if (count > 300) expect(child!.runId).not.toBe(child!.raw.workflowExecutionInfo?.firstRunId);
  });
});
