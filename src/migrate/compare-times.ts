import { nextTimes } from '../timetable/next-times.js';
import { zoneOf } from '../timetable/zone.js';
import type { BeatEntry } from './beat-entry.js';
import { celeryNextTimes } from './celery-next.js';
import type { Carried } from './schedule-of-entry.js';

const COUNT = 5;
const DAY_MS = 86_400_000;
/**
 * Beat keeps fractions of seconds of intervals, and a time that clocks show twice fires here a second late; its sun and ours are
 * other formulas.
 */
const TOLERANCE_MS = { interval: 1000, crontab: 1000, solar: 30_000, clocked: 1000 } as const;

export interface Comparison {
  ours: Date[];
  /** As beat would fire if the entry is enabled. */
  celery: Date[];
  /** Why they differ; null where they do not. */
  difference: string | null;
}

/** The next five times of both sides, as if the entry were enabled and had not run out. */
export function compareTimes(
  { entry, schedule }: Carried & { schedule: NonNullable<Carried['schedule']> },
  now: Date,
): Comparison {
  const asked = { ...entry, totalRunCount: entry.oneOff ? 0 : entry.totalRunCount };
  const count = Math.min(COUNT, schedule.maxRuns ?? COUNT);
  const ours = nextTimes(schedule, { from: now, count });
  const celery = celeryNextTimes(asked, now, count);
  return { ours, celery, difference: differenceOf(entry, ours, celery, schedule.timezone, now) };
}

function differenceOf(entry: BeatEntry, ours: Date[], celery: Date[], timezone: string, now: Date): string | null {
  const tolerance = TOLERANCE_MS[entry.timing.kind];
  const at = Array.from({ length: Math.max(ours.length, celery.length) }, (_, n) => n).find((n) => {
    const [a, b] = [ours[n], celery[n]];
    return !a || !b || Math.abs(a.getTime() - b.getTime()) > tolerance;
  });
  if (at === undefined) return null;
  if (celery[0]?.getTime() === now.getTime()) {
    const what = 'Celery is overdue and would start it at once';
    return entry.timing.kind === 'interval'
      ? `${what}, then count from there; here the rhythm goes on`
      : `${what}; here it waits for its next time: trigger it by hand if it is wanted`;
  }
  const changed = [ours[at], celery[at]].find((time) => time && isNearChange(timezone, time.getTime()));
  if (entry.timing.kind === 'crontab' && changed) {
    return (
      `clocks are changed in ${timezone}: of an hour that is there twice Celery leaves out the second, while here a crontab of all ` +
      `hours fires in both; a time that is jumped over fires here when the clock has jumped, in Celery as long after it`
    );
  }
  if (entry.timing.kind === 'interval' && !entry.lastRunAt && !entry.dateChanged)
    return 'Celery would count from the start of beat; here the interval counts from midnight of 1970-01-01 UTC';
  if (entry.timing.kind === 'solar') return 'the sun grazes the horizon there: formulas differ by minutes, or by a day';
  return 'the two sides differ for a reason that is not known; check it before you switch';
}

function isNearChange(timezone: string, time: number): boolean {
  return zoneOf(timezone).changes(time - DAY_MS, time + DAY_MS).length > 0;
}
