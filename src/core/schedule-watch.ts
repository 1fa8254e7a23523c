import type { JobState } from './job.js';
import type { Notice } from './notice.js';
import type { Schedule, ScheduleDocument } from './schedule.js';
import type { ScheduleCounts } from './schedule-view.js';

/** What the watch over schedules remembers from one look to the next. */
export interface WatchState {
  /** RFC 3339; the last look. */
  since: string;
  /** Runs (by run id) that it has seen end, and when. */
  seen: Record<string, string>;
  schedules: Record<string, WatchedSchedule>;
  renewedAt: string;
}

export interface WatchedSchedule {
  missed: number;
  skipped: number;
  /** Something went wrong, and no run has succeeded since. */
  failing: boolean;
}

/** A run of a schedule that has ended. */
export interface EndedRun {
  schedule: string;
  job: string;
  run: string;
  name: string;
  state: JobState;
  endedAt: string;
  /** Nominal time. */
  time: string | null;
  /** What a failed one failed of. */
  error?: { code: string; message: string };
}

/** What the watch asks of the server. */
export interface ScheduleWatch {
  /** Of the schedules that have somebody to tell, or of all. */
  ids(which: { all: boolean }): Promise<string[]>;
  /** Null where it is gone. `changedAt`: RFC 3339. */
  look(id: string): Promise<{ document: ScheduleDocument; counts: ScheduleCounts; changedAt: string } | null>;
  endedSince(since: Date): Promise<EndedRun[]>;
  /** Writes out anew what the server is told of the rule. */
  renew(id: string, schedule: Schedule): Promise<void>;
  /** Has it told, once, whatever happens to who asks for it. */
  tell(notice: Notice, urls: readonly string[]): Promise<void>;
}

/** What there is to tell of one schedule since the last look; at the first there is nothing yet. */
export function newEvents(
  id: string,
  before: WatchedSchedule | undefined,
  { missed, skipped }: ScheduleCounts,
  ended: readonly EndedRun[],
  now: string,
): { events: Notice[]; standing: WatchedSchedule } {
  const known = before ?? { missed, skipped, failing: false };
  const events: Notice[] = [];
  let { failing } = known;
  for (const kind of ['missed', 'skipped'] as const) {
    const total = { missed, skipped }[kind];
    const count = total - known[kind];
    if (count <= 0) continue;
    failing = true;
    events.push({ id: `${id}-${kind}-${total}`, type: `schedule.${kind}`, time: now, schedule: { id, count } });
  }
  for (const { job, run, name, state, endedAt, time, error } of [...ended].sort((a, b) =>
    a.endedAt < b.endedAt ? -1 : 1,
  )) {
    const about = { time: endedAt, job: { id: job, name, state, ...(error && { error }) }, schedule: { id, time } };
    if (state === 'failed') {
      failing = true;
      events.push({ id: `${run}-failed`, type: 'schedule.failed', ...about });
    } else if (failing && (state === 'completed' || state === 'completed_with_rejects')) {
      failing = false;
      events.push({ id: `${run}-recovered`, type: 'schedule.recovered', ...about });
    }
  }
  return { events, standing: { missed, skipped, failing } };
}
