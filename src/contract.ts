/**
 * The waist of the program: every name and signature that crosses Temporal. Clients, workflows and activities share this
 * file and nothing else, so a rename is seen on both sides or on none.
 */
import type { EndState, JobResult, PlanView } from './core/job.js';
import type { Notice } from './core/notice.js';
import type { PlanRef, PlanSummary, RangeInput, Retry } from './core/plan.js';
import type { Totals } from './core/progress.js';
import type { Busy, Failure, Receipt } from './core/receipt.js';
import type { ScheduledRun } from './core/schedule.js';
import type { Rate } from './core/spec.js';

const CHUNKS = '-chunks';

/** The queue of the heavy activities; small jobs, workflows and local activities stay on the main one. */
export function chunksQueue(taskQueue: string): string {
  return taskQueue + CHUNKS;
}

/** The queue of notices and of the watch over schedules, so that they wait behind no job. */
export function noticesQueue(taskQueue: string): string {
  return taskQueue + '-notices';
}

/** Whether a task came by the queue of the heavy activities. */
export function isChunksQueue(queue: string): boolean {
  return queue.endsWith(CHUNKS);
}

export const PROCESS_DATASET = 'processDataset';
export const PROCESS_WINDOW = 'processWindow';
export const STITCH_RANGES = 'stitchRanges';
export const PLAN_DATASET = 'planDataset';
export const DELIVER_NOTICE = 'deliverNotice';
export const WATCH_SCHEDULES = 'watchSchedules';

/** Header in which the trace of a caller goes along to workflows and activities, as the SDKs' own interceptors name it. */
export const TRACE_HEADER = '_tracer-data';

/** Memo field of the runs of a schedule: its `ScheduleTerms` when the run started. */
export const SCHEDULE_MEMO = 'schedule';
/** Memo field of a retry: the nominal time (RFC 3339) of the run that the schedule started. */
export const SCHEDULED_TIME_MEMO = 'scheduledTime';

/** Query of `processDataset`: a `JobProgress`. */
export const PROGRESS_QUERY = 'progress';
/** Updates of `processDataset`: pause(reason), resume(), set(settings as in a job spec). Each answers a `JobProgress`. */
export const PAUSE_UPDATE = 'pause';
export const RESUME_UPDATE = 'resume';
export const SET_UPDATE = 'set';
/** Signal from a window to its root: a `WindowReport`. */
export const WINDOW_SIGNAL = 'window';
/** Signal from the root to a window: how many lanes more it may use. */
export const LANES_SIGNAL = 'lanes';

/** Signal from the root to a window: its `WindowControl` from now on. */
export const CONTROL_SIGNAL = 'control';

/**
 * Workflow `processDataset(spec)`: the spec as a caller writes it (JSON). Workflow id = job id. With `retry` the run takes
 * up what former runs of the same id left in the work area.
 */
export type ProcessDataset = (spec: unknown, retry?: Retry) => Promise<JobResult>;
/** Workflow `planDataset(spec)`: what the job would do; starts nothing. */
export type PlanDataset = (spec: unknown) => Promise<PlanView>;
/** Workflow `processWindow`: the activities `[from, to)` of one job. */
export type ProcessWindow = (input: WindowInput) => Promise<Totals>;

/** Workflow `deliverNotice`: tells webhooks of one event. @returns what could not be told */
export type DeliverNotice = (input: DeliverInput) => Promise<string[]>;

/** Workflow `stitchRanges`: what is left of the stitching of a job with many wrong guesses. */
export type StitchRanges = (input: StitchInput) => Promise<Correction>;

/** What was taken back of a job's totals, and what came in its place. */
export interface Correction {
  undo: Totals;
  done: Totals;
}

export interface StitchInput extends Correction {
  job: string;
  plan: PlanSummary;
}

export interface WindowInput {
  job: string;
  plan: PlanSummary;
  /** Activity numbers; number n takes the chunks from n * chunksPerActivity. */
  from: number;
  to: number;
  lanes: number;
  /** Absent: nothing is held and all is as planned. */
  control?: WindowControl;
}

/** How the root steers a window. */
export interface WindowControl {
  held: boolean;
  /** This window's share. */
  rate: Rate;
  /** Activities at once, of those its lanes would allow; null: all. */
  most: number | null;
  priority: number;
}

export interface WindowReport {
  window: number;
  /** Since the last report. */
  done: Totals;
  /** Lanes that the window has no more work for. */
  freed: number;
  /** What the processor calls has refused it too often: the job is to be paused. */
  busy?: string;
  /** Of a chunk that was given up just now. */
  failure?: Failure;
}

/** What the heartbeats of `processChunks` say of the range at least. */
export interface RangeBeat {
  from: number;
  to: number;
}

export interface RangeResult extends Totals {
  /** True where the only activity of a job did the step over its partials too. */
  reduced?: boolean;
  /** The receipt itself and what it refers to, where both are small and the job has one activity. */
  inline?: InlineReceipt;
  /** The time was up before all was done: the chunk to go on with. */
  next?: number;
  /** Nothing was done: what the processor calls refused it for the moment. */
  busy?: Busy;
  /** Nothing was done: a former run halved the range, and each half has a fate of its own. */
  halved?: true;
  /** Nothing was done: the worker was told to stop. */
  handedBack?: true;
}

/** A receipt that never touched the work area. `part` and `rejects` are the bytes in base64. */
export interface InlineReceipt {
  receipt: Receipt;
  part?: string;
  rejects?: string;
}

/** A range whose first record was guessed wrong, and where it truly starts. */
export interface Restart {
  from: number;
  to: number;
  asked?: number;
  start: number;
  generation: number;
  /** What the wrong run had counted, to be taken back. */
  undo: Totals;
}

export interface InspectInput {
  job: string;
  spec: unknown;
  retry?: Retry;
  /** Of a run that a schedule started. */
  scheduled?: ScheduledRun;
  /** RFC 3339; when the workflow was started. Absent in runs that began under 0.2.0. */
  startedAt?: string;
}

/** The plan, and for a retry what is left of it. */
export interface Inspected extends PlanSummary {
  /** The numbers of the activities with something left to do; absent: all are asked, and those that are done say so. */
  todo?: number[];
  /** What the others add up to. */
  done?: Totals;
  /** The end of a run of an incremental source that has nothing new. */
  nothing?: JobResult;
  /** The source has to be copied first; then it is inspected again. */
  copies?: true;
}

export interface ReduceInput extends PlanRef {
  run?: number;
}

export interface DiscardInput extends PlanRef {
  /** Absent in runs that began under 0.1.0. */
  state?: EndState;
}

export interface CommitInput extends PlanRef {
  run?: number;
  /** RFC 3339; when the job began. */
  startedAt: string;
  receipt?: InlineReceipt;
}

export interface DeliverInput {
  urls: string[];
  /** Without a time it happened when this was started. */
  notice: Omit<Notice, 'time'> & Partial<Pick<Notice, 'time'>>;
}

export interface NotifyInput {
  urls: string[];
  notice: Notice;
  /** The URL that is told. */
  n: number;
}

/** The activities, one a verb. `inspect`, `preview`, `stitch` and small commits run as local activities. */
export interface Activities {
  inspect(input: InspectInput): Promise<Inspected>;
  /** Copies a source that is a table into the work area. */
  copySource(input: InspectInput): Promise<void>;
  preview(input: { spec: unknown }): Promise<PlanView>;
  processChunks(input: RangeInput): Promise<RangeResult>;
  /** What there is of a range already; null: nothing. */
  standing(input: RangeInput): Promise<RangeResult | null>;
  /** Publishes that a range was given up. @returns what the receipt says: another attempt may have done it after all */
  giveUp(input: RangeInput & { failure: Failure }): Promise<RangeResult>;
  /** Some of the ranges that begin elsewhere than guessed; none when all of them join. */
  stitch(input: { job: string }): Promise<Restart[]>;
  /** @returns the bytes of the reduced part */
  reduce(input: ReduceInput): Promise<number>;
  commit(input: CommitInput): Promise<JobResult>;
  discard(input: DiscardInput): Promise<void>;
  notify(input: NotifyInput): Promise<void>;
  /** @returns how many events there were */
  watchSchedules(): Promise<number>;
}
