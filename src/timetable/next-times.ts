import type { CalendarRule, Schedule } from '../core/schedule.js';
import { instantsOnChangeDay } from './change-days.js';
import { LAST_YEAR } from './cron.js';
import { firingRule } from './firing-rule.js';
import { solarTimes } from './solar.js';
import { dayMatcher, sortedValuesOf, valuesOf } from './spans.js';
import { zoneOf } from './zone.js';
import type { Zone } from './zone.js';

const DAY_MS = 86_400_000;

export interface TimeRange {
  from: Date;
  until?: Date;
  count: number;
}

/**
 * The nominal times of a schedule, as the server computes them: after `from`, not after `until`, at most `count`. Whether it
 * is paused or has runs left does not matter.
 */
export function nextTimes(
  { when, timezone, startAt, endAt }: Pick<Schedule, 'when' | 'timezone' | 'startAt' | 'endAt'>,
  { from, until, count }: TimeRange,
): Date[] {
  // A schedule may fire at the very moment it starts.
  const after = Math.max(from.getTime(), startAt === undefined ? -Infinity : Date.parse(startAt) - 1);
  const last = Math.min(until?.getTime() ?? Infinity, endAt === undefined ? Infinity : Date.parse(endAt));
  const times: Date[] = [];
  if (count <= 0) return times;
  for (const time of timesOf(when, timezone, after)) {
    if (time > last) break;
    times.push(new Date(time));
    if (times.length >= count) break;
  }
  return times;
}

function timesOf(when: Schedule['when'], timezone: string, after: number): Iterable<number> {
  if ('solar' in when) return solarTimes(when.solar, after);
  const rule = firingRule(when, timezone);
  const zone = zoneOf(rule.timezone);
  return merged([
    ...rule.calendars.map((calendar) => calendarTimes(calendar, zone, after)),
    ...rule.intervals.map(({ intervalMs, offsetMs }) => intervalTimes(intervalMs, offsetMs, after)),
  ]);
}

function* intervalTimes(intervalMs: number, offsetMs: number, after: number): Generator<number> {
  for (let n = Math.floor((after - offsetMs) / intervalMs) + 1; ; n++) yield n * intervalMs + offsetMs;
}

/** Day by day, for what a day has of times is the same on all days but those on which the clock is changed. */
function* calendarTimes(calendar: CalendarRule, zone: Zone, after: number): Generator<number> {
  const matches = dayMatcher(calendar);
  const clock = [...clockTimes(calendar)];
  const lastYear = Math.min(LAST_YEAR, calendar.year.length === 0 ? LAST_YEAR : Math.max(...valuesOf(calendar.year)));
  for (let day = Math.floor(zone.wallAt(after) / DAY_MS) * DAY_MS; ; day += DAY_MS) {
    if (new Date(day).getUTCFullYear() > lastYear) return;
    if (!matches(day)) continue;
    const offset = zone.offsetOn(day);
    const times =
      offset === null
        ? clock.flatMap((time) => instantsOnChangeDay(calendar, zone, day + time)).sort((a, b) => a - b)
        : clock.map((time) => day + time - offset);
    for (const time of times) if (time > after) yield time;
  }
}

/** Milliseconds of the day. */
function* clockTimes({ hour, minute, second }: CalendarRule): Generator<number> {
  const minutes = sortedValuesOf(minute);
  const seconds = sortedValuesOf(second);
  for (const h of sortedValuesOf(hour))
    for (const m of minutes) for (const s of seconds) yield ((h * 60 + m) * 60 + s) * 1000;
}

/** In order, each time once. */
function* merged(sources: Array<Iterator<number>>): Generator<number> {
  const heads = sources.map((source) => source.next());
  let last = -Infinity;
  for (;;) {
    let least = -1;
    heads.forEach((head, n) => {
      if (!head.done && (least < 0 || head.value < (heads[least]!.value as number))) least = n;
    });
    if (least < 0) return;
    const time = heads[least]!.value as number;
    heads[least] = sources[least]!.next();
    if (time > last) yield time;
    last = Math.max(last, time);
  }
}
