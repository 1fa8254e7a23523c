import { NO_TOTALS } from './progress.js';
import type { Totals } from './progress.js';
import type { Counts } from './records.js';

/**
 * What one attempt leaves behind when it has done its range: the unit of publishing. The first attempt to publish the
 * receipt of a range wins; the parts of the others are never looked at.
 */
export interface Receipt {
  version: 1;
  from: number;
  to: number;
  /** Where the range ends that was asked for, where its time was up before: what follows `to` has receipts of its own. */
  asked?: number;
  generation: number;
  attempt: number;
  /** RFC 3339; absent from receipts of older versions. */
  endedAt?: string;
  counts: Counts;
  /** Source bytes read. */
  bytes: number;
  /** Absent where the range gave no output. */
  part?: PartRef;
  /** True where the part is the reduced result already: the range is the job's only one. */
  reduced?: boolean;
  rejects?: { key: string; records: number };
  /** Whether the first record start of the range was guessed. */
  guessed: boolean;
  /** Place and reason of the first reject, for messages. */
  firstReject?: string;
  /** The retry that made the receipt; absent: the first run. */
  run?: number;
  /** Output of records that were rejected first and taken by a retry: it follows `part`, in the order of the retries. */
  mended?: PartRef[];
  /** The range was given up after its last attempt: no counts, no part, no spans. */
  failed?: Failure;
  /** Text: what was covered of each file, in order. */
  spans: ReceiptSpan[];
}

/** Why something failed for good: a stable code, and a sentence. */
export interface Failure {
  code: string;
  message: string;
}

/** What a processor calls refused it for the moment. */
export interface Busy {
  message: string;
  /** What it said of when to come again. */
  retryAfterMs?: number;
}

export interface ReceiptSpan {
  file: number;
  first: number;
  end: number;
  /** Line ends in the span; null where nobody had to look (counted at commit when a later reject needs it). */
  lines: number | null;
  /** Records in the span, rejected ones included. */
  records: number;
}

export type DigestKind = 'sha256' | 'crc32';

/** Where a piece of output lies, before the commit. */
export interface PartRef {
  /** Work-area key; empty for an inline receipt. */
  key: string;
  bytes: number;
  records: number;
  /** Of its bytes, with the kind in front: see `partDigest`. */
  digest: string;
  columns: Array<{ name: string; type: string }>;
  /** Of a partitioned output: the files that lie in it, one behind the other. */
  sections?: Section[];
}

/** A stretch of a part that is a file of its own in the output. */
export interface Section {
  /** Its folder: see `partitionPath`. */
  partition: string;
  offset: number;
  bytes: number;
  records: number;
  sha256: string;
}

/** What a receipt adds to the sums of its job. */
export function totalsOf(receipt: Receipt): Totals {
  const chunks = receipt.to - receipt.from;
  if (receipt.failed) return { ...NO_TOTALS, failed: chunks };
  return {
    chunks,
    counts: receipt.counts,
    bytes: receipt.bytes,
    outBytes: partsOf(receipt).reduce((sum, part) => sum + part.bytes, 0),
    unverified: receipt.guessed ? receipt.counts.rejected : 0,
    firstReject: receipt.firstReject,
  };
}

/** What an activity says of a range that has a receipt. */
export function resultOf(receipt: Receipt): Totals & { reduced?: boolean; next?: number } {
  const { asked, to, reduced } = receipt;
  return { ...totalsOf(receipt), reduced, ...(asked !== undefined && { next: to }) };
}

/** The output of a range, in its order. */
export function partsOf({ part, mended = [] }: Receipt): PartRef[] {
  return part ? [part, ...mended] : mended;
}

/** What tells the receipts of a job apart. */
type RangeName = Pick<Receipt, 'from' | 'to' | 'asked' | 'generation'>;

/** Keys of the work area, under `<job>/`. */
export const keys = {
  spec: (job: string) => `${job}/spec.json`,
  plan: (job: string) => `${job}/plan.json`,
  /** A table or query that was copied before it is read. */
  copies: (job: string) => `${job}/source/`,
  /** There once the copy is whole. */
  copied: (job: string) => `${job}/source/copied.json`,
  items: (job: string) => `${job}/items.ndjson`,
  receipts: (job: string) => `${job}/receipts/`,
  /** By what was asked for, so that of attempts that end at different chunks one alone is published. */
  receipt: (job: string, { from, to, asked = to, generation }: RangeName) =>
    `${job}/receipts/${pad(from)}-${pad(asked)}-g${pad(generation, 4)}.json`,
  part: (job: string, from: number, generation: number, unique: string, extension: string) =>
    `${job}/parts/${pad(from)}-g${generation}-${unique}.${extension}`,
  rejectsOf: (job: string, from: number, generation: number, unique: string) =>
    `${job}/rejects/${pad(from)}-g${generation}-${unique}.ndjson`,
  reduced: (job: string, run = 0) => `${job}/reduced${ofRun(run)}.json`,
  result: (job: string, format: string) => `${job}/output/result.${format}`,
  output: (job: string) => `${job}/output/`,
  parts: (job: string) => `${job}/parts/`,
  rejectFiles: (job: string) => `${job}/rejects/`,
  job: (job: string) => `${job}/`,
  rejects: (job: string) => `${job}/output/rejects.ndjson`,
  manifest: (job: string, run = 0) => `${job}/output/manifest${ofRun(run)}.json`,
  /** The result of a run: there once everything is published. */
  committed: (job: string, run = 0) => `${job}/output/committed${ofRun(run)}.json`,
  /** How and when the job ended: an `Ended`. Absent while it runs. */
  ended: (job: string) => `${job}/ended.json`,
  /** Corrected rejects that came with a retry, under a name of their own for each request. */
  corrections: (job: string, request: string) => `${job}/corrections/${request}/`,
  allCorrections: (job: string) => `${job}/corrections/`,
  /** Those of one chunk, under the prefix that `corrections` gave. */
  correction: (prefix: string, chunk: number) => `${prefix}${pad(chunk)}.ndjson`,
  /** The log of one version of a file of an incremental source. */
  increment: (schedule: string, version: string) => `incremental/${schedule}/${version}/`,
  /** What the watch over the schedules of a task queue remembers. */
  watch: (taskQueue: string) => `watch/${taskQueue}.json`,
  workers: () => 'workers/',
  worker: (id: string) => `workers/${id}.json`,
};

/** Of the keys under `keys.output` that of the newest committed run; null where none has been committed. */
export function lastCommitted(outputKeys: readonly string[]): string | null {
  const runs = outputKeys.flatMap((key) => {
    const match = /\/committed(?:-g(\d+))?\.json$/.exec(key);
    return match ? [{ key, run: Number(match[1] ?? 0) }] : [];
  });
  return runs.sort((a, b) => a.run - b.run).at(-1)?.key ?? null;
}

function ofRun(run: number): string {
  return run === 0 ? '' : `-g${run}`;
}

/** Ten digits, so that keys sort as numbers do. */
function pad(value: number, width = 10): string {
  return String(value).padStart(width, '0');
}

/**
 * The receipts that count: of several generations of a range the last one, in order of chunks. Of two that begin alike that of
 * which less was asked: the other is of an attempt that was thought dead when its range was halved.
 */
export function currentReceipts<R extends RangeName>(receipts: readonly R[]): R[] {
  const askedOf = ({ to, asked = to }: R) => asked;
  const latest = new Map<number, R>();
  for (const receipt of receipts) {
    const known = latest.get(receipt.from);
    const later = known && receipt.generation - known.generation;
    const less = later === 0 && askedOf(receipt) < askedOf(known!);
    if (later === undefined || later > 0 || less) latest.set(receipt.from, receipt);
  }
  return [...latest.values()].sort((a, b) => a.from - b.from);
}
