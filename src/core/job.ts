import type { SourcePin } from './plan.js';
import type { Counts, Column } from './records.js';
import type { JobSettings } from './settings.js';

export const OPEN_STATES = ['pending', 'planning', 'running', 'paused', 'reducing', 'committing'] as const;
export const END_STATES = ['completed', 'completed_with_rejects', 'failed', 'cancelled'] as const;
export type EndState = (typeof END_STATES)[number];
export type JobState = (typeof OPEN_STATES)[number] | EndState;

export function isEndState(state: JobState): state is EndState {
  return (END_STATES as readonly string[]).includes(state);
}

/** What the workflow itself knows of its progress; answered by the query `progress`. */
export interface JobProgress {
  state: JobState;
  name: string;
  processor: string;
  source: string;
  chunks: { total: number; done: number; running: number; failed: number };
  records: Counts;
  /** Source bytes. */
  bytes: { total: number; done: number };
  /** Records the plan expects; exact for Parquet and items. */
  expectedRecords: number;
  warnings: string[];
  /** Why the job is paused; null where it is not. */
  paused: string | null;
  /** As they stand now; null until the plan is made. */
  settings: JobSettings | null;
}

/** What a finished job returns; the workflow's result. References, and the rows only where they are few. */
export interface JobResult {
  state: 'completed' | 'completed_with_rejects';
  counts: Counts;
  bytes: number;
  chunks: number;
  /** RFC 3339; when the result was published. */
  finishedAt: string;
  /** Key of the manifest in the work area. */
  manifest: string;
  output: OutputRef;
  rejects: { uri: string; records: number } | null;
  /** Chunks that were given up; the manifest names them. */
  failedChunks: number;
  /** The result itself where its JSON has at most `INLINE_RESULT_BYTES`. */
  rows?: Record<string, unknown>[];
}

export const INLINE_RESULT_BYTES = 16 * 1024;

/** Where the committed output lies. */
export interface OutputRef {
  /** Absolute path or URL of the file or folder; a work-area key when `inWorkArea`. */
  uri: string;
  inWorkArea: boolean;
  format: 'csv' | 'ndjson' | 'parquet';
  /** Text that is gzipped. */
  gzip?: true;
  /** True: one file. False: a folder of parts. */
  single: boolean;
  /** The columns that name the folders of the parts, and are not in them. */
  partitionBy?: string[];
  records: number;
  bytes: number;
  columns: Array<{ name: string; type: string }>;
}

/** `ended.json`: what an ended job's folder in the work area says of itself, for retention. */
export interface Ended {
  state: EndState;
  /** RFC 3339. */
  endedAt: string;
  /** RFC 3339; from then on the folder's contents may go: what a retry needs, and the result that the API serves. */
  keepUntil: { work: string; result: string };
}

/** Until when, in milliseconds of the epoch, a job that ended so can be retried: all of it has to be there. */
export function keptUntil({ keepUntil }: Ended): number {
  return Math.min(Date.parse(keepUntil.work), Date.parse(keepUntil.result));
}

/** `manifest.json`: written last, atomically. Without it there is no result. */
export interface Manifest {
  version: 1;
  /** 0, and one more for each retry. */
  generation: number;
  job: string;
  name: string;
  specDigest: string;
  sources: ManifestSource[];
  columns: Column[];
  counts: Counts;
  output: OutputRef;
  parts: ManifestPart[];
  rejects: Array<{ uri: string; records: number }>;
  /** Neighbouring chunks `[from, to)` that were given up: their records are in no count. */
  failedChunks: FailedChunks[];
  /** RFC 3339, UTC. */
  started: string;
  finished: string;
}

/** A file that was read, and what made it the same file all the time. */
export type ManifestSource = { uri: string } & SourcePin;

export interface FailedChunks {
  from: number;
  to: number;
  code: string;
  message: string;
}

export interface ManifestPart {
  uri: string;
  /** First chunk whose records are in the part; null for a reduced result. */
  chunk: number | null;
  records: number;
  bytes: number;
  sha256: string;
  /** Its folder in a partitioned output, such as `year=2024/origin=JFK`. */
  partition?: string;
}

/** A job as every door shows it. */
export interface JobView {
  id: string;
  name: string;
  processor: string;
  state: JobState;
  source: string | null;
  createdAt: string;
  finishedAt: string | null;
  /** RFC 3339; when the job begins or began, where its spec says so in `options.start`. */
  startsAt: string | null;
  /** What started the job, and its nominal time (RFC 3339); null where a caller did. */
  schedule: { id: string; time: string | null } | null;
  /** 0, and one more for each retry. */
  generation: number;
  progress: {
    chunks: JobProgress['chunks'];
    records: Counts;
    bytes: JobProgress['bytes'];
    expectedRecords: number;
    /** Records per second since the start. */
    rate: number;
    /** Seconds left at that rate; null when unknown. */
    eta: number | null;
  } | null;
  /** Why the job is paused; null where it is not. */
  paused: string | null;
  /** What `PATCH` changes, as it stands now; null where the job has ended or nobody knows. */
  settings: JobSettings | null;
  /** The progress could not be asked for (no worker answered in time) and is left out or old. */
  stale: boolean;
  result: JobResult | null;
  error: { code: string; message: string } | null;
  warnings: string[];
  links: { self: string; result: string; output: string; manifest: string; rejects: string; temporal: string | null };
}

/** `POST /v1/plan`: what a job would do. */
export interface PlanView {
  name: string;
  processor: string;
  format: string;
  files: number;
  chunks: number;
  bytes: number;
  records: number;
  recordsExact: boolean;
  chunksPerActivity: number;
  concurrency: number;
  columns: Column[];
  /** Columns of the result as far as they are known before the run. */
  output: Array<{ name: string; type: string }> | null;
  /** The first records of the source, at most 10. */
  sample: Record<string, unknown>[];
  warnings: string[];
}

/** One processor as workers publish it and `GET /v1/processors` shows it. */
export interface ProcessorInfo {
  name: string;
  description: string;
  kind: 'sql' | 'record' | 'batch' | 'reduce';
  /** JSON Schema of `process.with`. */
  params: Record<string, unknown>;
}

/** What one worker process publishes of itself into the work area, under `workers/<id>.json`, renewed every 30 s. */
export interface WorkerCard {
  id: string;
  host: string;
  pid: number;
  taskQueue: string;
  threads: number;
  processors: ProcessorInfo[];
  startedAt: string;
  renewedAt: string;
}

export const WORKER_CARD_TTL_MS = 90_000;
