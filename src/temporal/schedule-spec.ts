import type { CalendarSpec, ScheduleSpec } from '@temporalio/client';
import { DAYS_OF_WEEK, MONTHS } from '@temporalio/client/lib/schedule-types.js';
import type { CalendarRule, ScheduleRules, Span } from '../core/schedule.js';
import { changeDayCorrections } from '../timetable/change-days.js';
import { describeWhen } from '../timetable/describe.js';
import { calendarAt, firingRule } from '../timetable/firing-rule.js';
import type { FiringRule } from '../timetable/firing-rule.js';
import { solarTimes } from '../timetable/solar.js';
import { CHANGE_DAYS_BEHIND, SOLAR_DAYS_BEHIND } from '../timetable/backfillable.js';
import { zoneOf } from '../timetable/zone.js';

/** The sun keeps no calendar: so many of its events are written out, and renewed long before they are used up. */
const SOLAR_EVENTS_AHEAD = 400;
const DAY_MS = 86_400_000;

/** When the server fires. @param from now: what has to be written out lies around it */
export function scheduleSpecOf(rules: ScheduleRules, from: Date): ScheduleSpec {
  const { when, timezone, startAt, endAt, jitterMs } = rules;
  const rule = 'solar' in when ? solarRule(when.solar, from) : firingRule(when, timezone);
  const { instants, excluded } = changeDayCorrections(
    rule.calendars,
    zoneOf(rule.timezone),
    from.getTime() - CHANGE_DAYS_BEHIND * DAY_MS,
  );
  return {
    // A list of the server tells comments, and no memo.
    calendars: rule.calendars.map((calendar, n) => ({
      ...calendarSpec(calendar),
      ...(n === 0 && { comment: commentOf(describeWhen(when, timezone)) }),
    })),
    intervals: [
      ...rule.intervals.map(({ intervalMs, offsetMs }) => ({ every: intervalMs, offset: offsetMs })),
      // Counted from the epoch, that is once in our time.
      ...instants.map((instant) => ({ every: instant })),
    ],
    skip: excluded.map(calendarSpec),
    timezone: rule.timezone,
    ...(startAt !== undefined && { startAt: new Date(startAt) }),
    ...(endAt !== undefined && { endAt: new Date(endAt) }),
    ...(jitterMs > 0 && { jitter: jitterMs }),
  };
}

function solarRule(rule: Parameters<typeof solarTimes>[0], from: Date): FiringRule {
  const calendars: CalendarRule[] = [];
  for (const time of solarTimes(rule, from.getTime() - SOLAR_DAYS_BEHIND * DAY_MS)) {
    calendars.push(calendarAt(new Date(time)));
    if (calendars.length === SOLAR_EVENTS_AHEAD + SOLAR_DAYS_BEHIND) break;
  }
  return { calendars, intervals: [], timezone: 'UTC' };
}

/** The server takes so many bytes. */
function commentOf(sentence: string): string {
  return Buffer.byteLength(sentence) <= 200 ? sentence : `${sentence.slice(0, 190)} …`;
}

function calendarSpec(rule: CalendarRule): CalendarSpec {
  return {
    second: rule.second,
    minute: rule.minute,
    hour: rule.hour,
    dayOfMonth: rule.dayOfMonth,
    month: rule.month.map((span) => named(span, MONTHS, 1)),
    dayOfWeek: rule.dayOfWeek.map((span) => named(span, DAYS_OF_WEEK, 0)),
    ...(rule.year.length > 0 && { year: rule.year }),
  };
}

function named<Name extends string>({ start, end, step }: Span, names: readonly Name[], first: number) {
  return { start: names[start - first]!, end: names[end - first]!, step };
}
