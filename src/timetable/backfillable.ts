import type { ScheduleRules } from '../core/schedule.js';
import { changeDayCorrections } from './change-days.js';
import { firingRule } from './firing-rule.js';
import { zoneOf } from './zone.js';

/** A backfill goes by what the server was told, so it is told of some of the past too: of the sun's events, */
export const SOLAR_DAYS_BEHIND = 60;
/** and of the days on which clocks were changed. */
export const CHANGE_DAYS_BEHIND = 400;
const DAY_MS = 86_400_000;

/**
 * From when on a backfill starts just what its preview names: before that the server was not told of what has to be written
 * out. @returns `from` where the rule needs nothing written out between it and `now`
 */
export function backfillableFrom(
  { when, timezone }: Pick<ScheduleRules, 'when' | 'timezone'>,
  from: Date,
  now: Date,
): Date {
  const days = 'solar' in when ? SOLAR_DAYS_BEHIND : CHANGE_DAYS_BEHIND;
  const writtenFrom = new Date(now.getTime() - days * DAY_MS);
  if (from >= writtenFrom) return from;
  if ('solar' in when) return writtenFrom;
  const rule = firingRule(when, timezone);
  const until = writtenFrom.getTime();
  const { instants, excluded } = changeDayCorrections(rule.calendars, zoneOf(rule.timezone), from.getTime(), until);
  return instants.length + excluded.length === 0 ? from : writtenFrom;
}
