import type { JobOptions } from './spec.js';
import { MAX_ACTIVITIES, MAX_LANES } from './window.js';

const MIB = 1024 * 1024;

/** Slices of this size keep every thread busy at full speed; smaller ones only to share the work out evenly. */
const LARGEST_AUTO_CHUNK = 96 * MIB;
const SMALLEST_AUTO_CHUNK = 4 * MIB;
/** Chunks a thread gets on average, so that an uneven last one costs little. */
const CHUNKS_PER_THREAD = 4;
/** Compressed bytes of row groups that a Parquet chunk aims at. */
const PARQUET_CHUNK = 16 * MIB;
/** Source bytes that are worth an activity of their own: a few tenths of a second. */
const ACTIVITY_BYTES = 8 * MIB;
/** What they grow to in a big job: some seconds, so that histories stay short and a crash still costs little. */
const LARGEST_ACTIVITY_BYTES = 128 * MIB;
/** Activities that a thread gets before they grow. */
const ACTIVITIES_PER_THREAD = 64;
/** Tiny chunks are asked for where a record takes long, and all of an activity is done again when its worker dies. */
const ACTIVITY_CHUNKS = 1000;

/**
 * Bytes of a text chunk. `auto`: the number of chunks is a multiple of the threads, so that the last round is full.
 * @param recordBytes mean size of a record, for `chunk.rows`
 */
export function textChunkBytes(
  chunk: JobOptions['chunk'],
  bytes: number,
  recordBytes: number,
  threads: number,
): number {
  if (chunk !== 'auto') return Math.max(1, 'bytes' in chunk ? chunk.bytes : Math.ceil(chunk.rows * recordBytes));
  const target = clamp(bytes / (threads * CHUNKS_PER_THREAD), SMALLEST_AUTO_CHUNK, LARGEST_AUTO_CHUNK);
  if (bytes <= target) return Math.max(1, bytes);
  const chunks = Math.ceil(Math.ceil(bytes / target) / threads) * threads;
  return Math.ceil(bytes / chunks);
}

/**
 * The rows at which the chunks of a Parquet file begin, and last the number of rows. `rows` is exact; otherwise whole row
 * groups are taken together.
 * @param starts rows before each row group and, last, of the file
 * @param groupBytes compressed bytes of each row group
 */
export function rowBorders(
  chunk: JobOptions['chunk'],
  starts: readonly number[],
  groupBytes: readonly number[],
  threads: number,
): number[] {
  const rows = starts.at(-1)!;
  if (rows === 0) return [0, 0];
  if (chunk !== 'auto' && 'rows' in chunk) {
    const borders = Array.from({ length: Math.ceil(rows / chunk.rows) }, (_, i) => i * chunk.rows);
    return [...borders, rows];
  }
  const total = groupBytes.reduce((a, b) => a + b, 0);
  const auto = Math.min(PARQUET_CHUNK, total / (threads * 2));
  const target = chunk === 'auto' ? auto : chunk.bytes;
  const borders = [0];
  let size = 0;
  for (let group = 0; group < groupBytes.length; group++) {
    size += groupBytes[group]!;
    if (size < target && group < groupBytes.length - 1) continue;
    borders.push(starts[group + 1]!);
    size = 0;
  }
  return borders;
}

/** What the rate lets through in this time makes a chunk. */
const RATED_CHUNK_SECONDS = 10;

/** The chunks of a job with a rate of records are small, unless their size was given: one must not take hours. */
export function ratedChunk({ chunk, rate }: Pick<JobOptions, 'chunk' | 'rate'>): JobOptions['chunk'] {
  if (chunk !== 'auto' || !rate || !('records' in rate)) return chunk;
  return { rows: Math.max(1, Math.floor(rate.records * RATED_CHUNK_SECONDS)) };
}

/**
 * How many neighbouring chunks one activity is given: enough to be worth it, few enough to share out and to bound the
 * histories. With a rate, as few as can be.
 */
export function chunksPerActivity(
  chunkCount: number,
  bytes: number,
  threads: number,
  rate: JobOptions['rate'] = null,
): number {
  const size = clamp(bytes / (threads * ACTIVITIES_PER_THREAD), ACTIVITY_BYTES, LARGEST_ACTIVITY_BYTES);
  const worthwhile = Math.min(Math.floor(size / Math.max(1, bytes / chunkCount)), ACTIVITY_CHUNKS);
  const shared = Math.floor(chunkCount / (threads * 4));
  const bounded = Math.ceil(chunkCount / MAX_ACTIVITIES);
  return Math.max(1, bounded, rate ? 1 : Math.min(worthwhile, shared));
}

/** Activities open at once: two for each thread, so that the next one waits at the worker and not at the server. */
export function laneCount(concurrency: JobOptions['concurrency'], threads: number): number {
  return Math.min(concurrency === 'auto' ? Math.max(4, threads * 2) : concurrency, MAX_LANES);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
