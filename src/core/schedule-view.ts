import type { JobState } from './job.js';
import type { ScheduleDocument } from './schedule.js';

/** A schedule in a list. */
export interface ScheduleRow {
  id: string;
  /** When it fires, as a sentence. */
  sentence: string;
  paused: boolean;
  /** What was said when it was paused; null where it is not paused or nothing was said. */
  reason: string | null;
  /** The next nominal time (RFC 3339); null where there is none. */
  next: string | null;
  last: Firing | null;
}

/** A nominal time at which a run was started. */
export interface Firing {
  /** RFC 3339, nominal; of a manual trigger the time of the trigger. */
  time: string;
  startedAt: string;
  job: string;
}

export interface RecentRun extends Firing {
  /** Null where the job is not in the list of the server yet, or any more. */
  state: JobState | null;
}

/** What the server knows of a schedule; times are RFC 3339. */
export interface ScheduleStanding {
  /** What it was made of. */
  document: ScheduleDocument;
  /** What was said when it was paused, also by `pauseOnFailure`; null where it is not paused or nothing was said. */
  reason: string | null;
  /** Null: as many as there are. */
  remainingRuns: number | null;
  /** At most ten, the newest first. */
  recent: Firing[];
  /** At most ten. */
  next: string[];
  /** Ids of the jobs that are open. */
  running: string[];
  counts: ScheduleCounts;
  createdAt: string;
  updatedAt: string | null;
  temporal: string | null;
}

export interface ScheduleCounts {
  started: number;
  /** Nominal times that passed while no server was there to start them, for longer than `catchup`. */
  missed: number;
  /** Nominal times at which a run was open and `overlap` said not to start another. */
  skipped: number;
}

/** A schedule as every door shows it. */
export interface ScheduleView extends ScheduleDocument {
  sentence: string;
  reason: string | null;
  remainingRuns: number | null;
  next: string[];
  recent: RecentRun[];
  running: string[];
  counts: ScheduleCounts;
  createdAt: string;
  updatedAt: string | null;
  warnings: string[];
  links: { self: string; runs: string; temporal: string | null };
}

/** What a backfill starts. */
export interface BackfillView {
  /** Nominal times, the first hundred. */
  times: string[];
  total: number;
  overlap: ScheduleDocument['overlap'];
  /** False: a preview. */
  started: boolean;
}
