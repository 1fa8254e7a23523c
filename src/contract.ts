/**
 * The waist of the program: every name and signature that crosses Temporal. Clients, workflows and activities share this
 * file and nothing else, so a rename is seen on both sides or on none.
 */
import type { JobProgress, JobResult, PlanView } from './core/job.js';
import type { Plan, PlanSummary } from './core/plan.js';
import type { Counts } from './core/records.js';
import type { Receipt } from './core/receipt.js';

export const DEFAULT_TASK_QUEUE = 'millrace';

/** The queue of the heavy activities; small jobs, workflows and local activities stay on the main one. */
export function chunksQueue(taskQueue: string): string {
  return `${taskQueue}-chunks`;
}

export const PROCESS_DATASET = 'processDataset';
export const PROCESS_WINDOW = 'processWindow';
export const PLAN_DATASET = 'planDataset';

/** Query of `processDataset`: a `JobProgress`. */
export const PROGRESS_QUERY = 'progress';
/** Signal from a window to its root: a `WindowReport`. */
export const WINDOW_SIGNAL = 'window';
/** Signal from the root to a window: how many lanes more it may use. */
export const LANES_SIGNAL = 'lanes';

/** Workflow `processDataset(spec)`: the spec as a caller writes it (JSON). Workflow id = job id. */
export type ProcessDataset = (spec: unknown) => Promise<JobResult>;
/** Workflow `planDataset(spec)`: what the job would do; starts nothing. */
export type PlanDataset = (spec: unknown) => Promise<PlanView>;
/** Workflow `processWindow`: the activities `[from, to)` of one job. */
export type ProcessWindow = (input: WindowInput) => Promise<Totals>;

export interface WindowInput {
  job: string;
  plan: PlanSummary;
  /** Activity numbers; number n takes the chunks from n * chunksPerActivity. */
  from: number;
  to: number;
  lanes: number;
}

/** What finished work adds up to. */
export interface Totals {
  chunks: number;
  counts: Counts;
  /** Source bytes read. */
  bytes: number;
  /** Bytes written into parts. */
  outBytes: number;
}

export interface WindowReport {
  window: number;
  /** Since the last report. */
  done: Totals;
  /** Lanes that the window has no more work for. */
  freed: number;
}

/** Where a plan is found: beside the reference (small jobs), or in the work area under the job. */
export interface PlanRef {
  job: string;
  inline?: Plan;
}

/** A run of neighbouring chunks that one activity takes. */
export interface RangeInput extends PlanRef {
  from: number;
  to: number;
  /** The true first byte, when a former run guessed it wrong. */
  start?: number;
  /** 0, and one more each time the range is run again from another start. */
  generation: number;
}

export interface RangeResult extends Totals {
  /** The receipt itself and what it refers to, where both are small and the job has one activity. */
  inline?: InlineReceipt;
}

/** A receipt that never touched the work area. `part` and `rejects` are the bytes as text. */
export interface InlineReceipt {
  receipt: Receipt;
  part?: string;
  rejects?: string;
}

/** A range whose first record was guessed wrong, and where it truly starts. */
export interface Restart {
  from: number;
  to: number;
  start: number;
  generation: number;
  /** What the wrong run had counted, to be taken back. */
  undo: Totals;
}

export interface CommitInput extends PlanRef {
  /** RFC 3339; when the job began. */
  startedAt: string;
  receipt?: InlineReceipt;
}

/** The activities, one a verb. `inspect`, `preview`, `stitch` and small commits run as local activities. */
export interface Activities {
  inspect(input: { job: string; spec: unknown }): Promise<PlanSummary>;
  preview(input: { spec: unknown }): Promise<PlanView>;
  processChunks(input: RangeInput): Promise<RangeResult>;
  stitch(input: { job: string }): Promise<Restart[]>;
  reduce(input: PlanRef): Promise<void>;
  commit(input: CommitInput): Promise<JobResult>;
  discard(input: { job: string }): Promise<void>;
}
