import type { Failure, Receipt } from './receipt.js';
import type { Counts } from './records.js';

export const CHUNK_STATES = ['pending', 'running', 'done', 'failed'] as const;
export type ChunkState = (typeof CHUNK_STATES)[number];

/** As many rows as a job can have, so that a picture of all of it takes one request. */
export const MAX_CHUNK_ROWS = 25_000;

/** Neighbouring chunks `[from, to)` that one activity takes, or that wait for one, as they stand. */
export interface ChunkRow {
  from: number;
  to: number;
  state: ChunkState;
  /** From 1: the attempt that did them, or is at them. Null where there is none, or nobody kept which. */
  attempt: number | null;
  /** Null unless they are done. */
  counts: Counts | null;
  /** Source bytes read. */
  bytes: number;
  /** RFC 3339; null while they are not done, and of receipts that older versions wrote. */
  endedAt: string | null;
  /** Why they were given up; of running ones what the attempt before failed of. */
  error: Failure | null;
}

/** Chunks that an activity is at. */
export type ChunksAtWork = Pick<ChunkRow, 'from' | 'to' | 'attempt' | 'error'>;

/** What a receipt says of how its chunks stand. */
export type ChunkReceipt = Pick<Receipt, 'from' | 'to' | 'attempt' | 'counts' | 'bytes' | 'endedAt' | 'failed'>;

export function rowOfReceipt({ from, to, attempt, counts, bytes, endedAt, failed }: ChunkReceipt): ChunkRow {
  return {
    from,
    to,
    state: failed ? 'failed' : 'done',
    attempt: attempt === 0 ? null : attempt,
    counts: failed ? null : counts,
    bytes,
    endedAt: endedAt ?? null,
    error: failed ?? null,
  };
}

/**
 * All chunks of a job, each in exactly one row, in order. What is at work counts before what has ended: a retry runs chunks
 * again that have a receipt.
 * @param ended of no two alike, in order
 */
export function chunkRows(total: number, ended: readonly ChunkRow[], atWork: readonly ChunksAtWork[]): ChunkRow[] {
  const running = atWork.map((range): ChunkRow => ({ ...NOTHING, ...range, state: 'running' }));
  const kept = ended.filter((row) => !running.some(({ from, to }) => from < row.to && row.from < to));
  const known = [...kept, ...running].sort((a, b) => a.from - b.from || a.to - b.to);
  const rows: ChunkRow[] = [];
  let next = 0;
  for (const row of known) {
    if (row.from < next || row.to > total) continue;
    if (row.from > next) rows.push({ ...NOTHING, from: next, to: row.from });
    rows.push(row);
    next = row.to;
  }
  if (next < total) rows.push({ ...NOTHING, from: next, to: total });
  return rows;
}

const NOTHING: Omit<ChunkRow, 'from' | 'to'> = {
  state: 'pending',
  attempt: null,
  counts: null,
  bytes: 0,
  endedAt: null,
  error: null,
};
