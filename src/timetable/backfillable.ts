import type { ScheduleRules } from '../core/schedule.js';
import { changeDayCorrections } from './change-days.js';
import { firingRule } from './firing-rule.js';
import { zoneOf } from './zone.js';

/** A backfill goes by what the server was told, so it is told of some of the past too: of the sun's events, */
export const SOLAR_DAYS_BEHIND = 60;
/** and of the days on which clocks were changed. */
export const CHANGE_DAYS_BEHIND = 400;
const DAY_MS = 86_400_000;

/** A change of the clock bears on the times of its own day, and of those beside it where it is near midnight. */
const NEAR_MS = 2 * DAY_MS;

/**
 * From when on a backfill starts just what its preview names: before that the server was not told of what has to be written
 * out.
 * @param times the nominal times of the backfill; looked at one by one, as the centuries between them would take seconds
 * @returns the first of them where the rule needs nothing written out around those that are long ago
 */
export function backfillableFrom(
  { when, timezone }: Pick<ScheduleRules, 'when' | 'timezone'>,
  times: readonly [Date, ...Date[]],
  now: Date,
): Date {
  const days = 'solar' in when ? SOLAR_DAYS_BEHIND : CHANGE_DAYS_BEHIND;
  const writtenFrom = new Date(now.getTime() - days * DAY_MS);
  const [first] = times;
  if (first >= writtenFrom) return first;
  if ('solar' in when) return writtenFrom;
  const rule = firingRule(when, timezone);
  const zone = zoneOf(rule.timezone);
  const isAstray = (time: number) => {
    const { instants, excluded } = changeDayCorrections(rule.calendars, zone, time - NEAR_MS, time + NEAR_MS);
    return instants.length + excluded.length > 0;
  };
  const old = times.filter((time) => time < writtenFrom);
  return rule.calendars.length > 0 && old.some((time) => isAstray(time.getTime())) ? writtenFrom : first;
}
