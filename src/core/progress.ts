import type { JobProgress } from './job.js';
import type { PlanSummary } from './plan.js';
import { NO_COUNTS, addCounts } from './records.js';
import type { Counts } from './records.js';
import type { Tolerance } from './spec.js';

/** What finished work adds up to. */
export interface Totals {
  /** Done. */
  chunks: number;
  /** Given up. Absent: none. */
  failed?: number;
  counts: Counts;
  /** Source bytes read. */
  bytes: number;
  /** Bytes written into parts. */
  outBytes: number;
  /** Of the rejected records those in ranges whose first record was guessed: a wrong guess makes good records look bad. */
  unverified: number;
  /** Place and reason of one rejected record, for messages. */
  firstReject?: string;
}

export const NO_TOTALS: Readonly<Totals> = { chunks: 0, counts: NO_COUNTS, bytes: 0, outBytes: 0, unverified: 0 };

export function addTotals(a: Totals, b: Totals): Totals {
  return {
    chunks: a.chunks + b.chunks,
    failed: (a.failed ?? 0) + (b.failed ?? 0),
    counts: addCounts(a.counts, b.counts),
    bytes: a.bytes + b.bytes,
    outBytes: a.outBytes + b.outBytes,
    unverified: a.unverified + b.unverified,
    firstReject: a.firstReject ?? b.firstReject,
  };
}

/** `total` without what `undone` had counted. */
export function subtractTotals(total: Totals, undone: Totals): Totals {
  const minus = (a: number, b: number) => a - b;
  return {
    chunks: minus(total.chunks, undone.chunks),
    failed: minus(total.failed ?? 0, undone.failed ?? 0),
    counts: {
      in: minus(total.counts.in, undone.counts.in),
      used: minus(total.counts.used, undone.counts.used),
      filtered: minus(total.counts.filtered, undone.counts.filtered),
      rejected: minus(total.counts.rejected, undone.counts.rejected),
      out: minus(total.counts.out, undone.counts.out),
    },
    bytes: minus(total.bytes, undone.bytes),
    outBytes: minus(total.outBytes, undone.outBytes),
    unverified: minus(total.unverified, undone.unverified),
    firstReject: total.firstReject === undone.firstReject ? undefined : total.firstReject,
  };
}

/** A share of rejects is not judged on fewer records than this: one bad first row is not 100 %. */
const MIN_SAMPLE = 1000;

/**
 * Whether the rejects are more than the job bears. While it runs (`final` false) only rejects that are sure count, and a
 * share is judged only once enough records were seen.
 */
export function exceedsTolerance(total: Totals, tolerance: Tolerance, final: boolean): boolean {
  const rejected = total.counts.rejected - (final ? 0 : total.unverified);
  if (tolerance === null || rejected === 0) return false;
  if ('count' in tolerance) return rejected > tolerance.count;
  if (!final && total.counts.in < MIN_SAMPLE) return false;
  return rejected > tolerance.share * total.counts.in;
}

/** Whether more chunks failed for good than the job bears. */
export function exceedsFailed(failed: number, tolerance: Tolerance, chunkCount: number): boolean {
  if (tolerance === null || failed === 0) return false;
  return failed > ('count' in tolerance ? tolerance.count : tolerance.share * chunkCount);
}

export function toleranceText(tolerance: Tolerance): string {
  if (tolerance === null) return 'any number';
  return 'count' in tolerance ? `${tolerance.count}` : `${+(tolerance.share * 100).toFixed(6)} %`;
}

export function emptyProgress(): JobProgress {
  return {
    state: 'planning',
    name: '',
    processor: '',
    source: '',
    chunks: { total: 0, done: 0, running: 0, failed: 0 },
    records: { ...NO_COUNTS },
    bytes: { total: 0, done: 0 },
    expectedRecords: 0,
    warnings: [],
    paused: null,
    settings: null,
  };
}

export function plannedProgress(plan: PlanSummary): JobProgress {
  return {
    ...emptyProgress(),
    state: 'running',
    name: plan.name,
    processor: plan.processor,
    source: plan.sourceLabel,
    chunks: { total: plan.chunkCount, done: 0, running: 0, failed: 0 },
    bytes: { total: plan.bytes, done: 0 },
    expectedRecords: plan.records,
    warnings: plan.warnings,
  };
}

/** The text of the Web UI's "current details": Markdown. */
export function progressText(progress: JobProgress): string {
  const { chunks, records, bytes } = progress;
  const share = chunks.total === 0 ? 0 : Math.floor((100 * chunks.done) / chunks.total);
  const lines = [
    `**${progress.state}**${progress.paused ? ` (${progress.paused})` : ''} · ${progress.processor} over ${progress.source}`,
    '',
    `${share} % · chunks ${chunks.done} / ${chunks.total} (${chunks.running} running, ${chunks.failed} failed) · ${megabytes(bytes.done)} / ${megabytes(bytes.total)} MB`,
    '',
    `records: ${records.in} in, ${records.used} used, ${records.filtered} filtered, ${records.rejected} rejected, ${records.out} out`,
  ];
  return lines.concat(progress.warnings.map((warning) => `\n- ${warning}`)).join('\n');
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
