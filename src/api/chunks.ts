import { atOnce } from '../core/at-once.js';
import { chunkRows, rowOfReceipt } from '../core/chunk-view.js';
import type { ChunkReceipt, ChunkRow, ChunkState } from '../core/chunk-view.js';
import { isEndState } from '../core/job.js';
import type { JobView } from '../core/job.js';
import type { Plan } from '../core/plan.js';
import { currentReceipts, keys } from '../core/receipt.js';
import type { Receipt } from '../core/receipt.js';
import type { ChunkList } from '../schema/views.js';
import type { WorkArea } from '../stores/port.js';
import type { Jobs } from '../temporal/jobs.js';

/** Jobs whose receipts are kept in memory: some megabytes each at most. */
const KEPT_JOBS = 8;
const READS_AT_ONCE = 64;

/** What is kept of a receipt. */
type Known = ChunkReceipt & Pick<Receipt, 'asked' | 'generation'>;

/** How the chunks of a job stand, by its receipts and what its workflows have at work. */
export function createChunkReader({ atWork, work }: Pick<Jobs, 'atWork'> & { work: WorkArea }) {
  const kept = new Map<string, Map<string, Known>>();

  /** A receipt never changes, so each is read once while its job is looked at. */
  async function receiptsOf(job: string): Promise<Known[]> {
    const known = kept.get(job) ?? new Map<string, Known>();
    kept.delete(job);
    kept.set(job, known);
    if (kept.size > KEPT_JOBS) kept.delete(kept.keys().next().value!);
    const names = await work.list(keys.receipts(job));
    const unread = names.filter((name) => !known.has(name));
    await atOnce(READS_AT_ONCE, unread, async (name) => {
      const text = await work.tryRead(name);
      if (!text) return;
      const { from, to, asked, generation, attempt, counts, bytes, endedAt, failed } = JSON.parse(
        text.toString(),
      ) as Receipt;
      known.set(name, { from, to, asked, generation, attempt, counts, bytes, endedAt, failed });
    });
    return names.flatMap((name) => known.get(name) ?? []);
  }

  async function totalOf(job: JobView): Promise<number> {
    const total = job.progress?.chunks.total ?? job.result?.chunks;
    if (total) return total;
    const plan = await work.tryRead(keys.plan(job.id));
    return plan ? (JSON.parse(plan.toString()) as Plan).chunkCount : 0;
  }

  async function rowsOf(job: JobView): Promise<ChunkRow[]> {
    const [total, receipts, running] = await Promise.all([
      totalOf(job),
      receiptsOf(job.id),
      isEndState(job.state) ? [] : atWork(job.id),
    ]);
    const { result } = job;
    // A small job writes no receipts, and those of others are swept one day.
    if (receipts.length === 0 && result) return wholeJob(result, total);
    return chunkRows(total, currentReceipts(receipts).map(rowOfReceipt), running);
  }

  return async (
    job: JobView,
    { state, limit, from }: { state?: ChunkState; limit: number; from: number },
  ): Promise<ChunkList> => {
    const all = await rowsOf(job);
    const asked = all.filter((row) => row.from >= from && (state === undefined || row.state === state));
    const next = asked[limit];
    return { total: all.at(-1)?.to ?? 0, chunks: asked.slice(0, limit), nextCursor: next ? String(next.from) : null };
  };
}

function wholeJob({ counts, bytes, finishedAt }: NonNullable<JobView['result']>, total: number): ChunkRow[] {
  if (total === 0) return [];
  return [{ from: 0, to: total, state: 'done', attempt: null, counts, bytes, endedAt: finishedAt, error: null }];
}
