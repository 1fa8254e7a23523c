import { zoneOf, type Zone } from '../timetable/zone.js';
import type { BeatEntry } from './beat-entry.js';
import type { CrontabRule } from './crontab.js';
import { sunTime } from './sun-time.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Leap days that have to be a certain day of the week come every 28 years, or 40 around 2100. */
const MAX_DAYS = 366 * 41;
const MAX_SUN_DAYS = 366;

/**
 * When Celery's beat would start the task next, at most `count` times, computed as `is_due` of Celery does and apart from
 * our own timetable, so that the two can be compared. An entry that is overdue starts at `now`. Whether it is enabled
 * does not matter.
 */
export function celeryNextTimes(entry: BeatEntry, now: Date, count: number): Date[] {
  const times: Date[] = [];
  let runs = entry.totalRunCount;
  let last = lastRun(entry, now);
  // Before its start time beat does not look at the schedule; it looks again when that is due.
  let earliest = now.getTime();
  if (entry.startTime && entry.startTime.getTime() > earliest) earliest = firstAfterStart(entry, entry.startTime);
  while (times.length < count) {
    const due = nextAfter(entry, last);
    if (due === null) break;
    const time = Math.max(due, earliest);
    if (entry.expires && time >= entry.expires.getTime()) break;
    if (entry.oneOff && runs > 0) break;
    times.push(new Date(time));
    runs += 1;
    if (entry.timing.kind === 'clocked') break;
    last = time;
    earliest = time;
  }
  return times;
}

/** What beat counts from: the last run, else the last change; before a start time long ago. */
function lastRun({ lastRunAt, dateChanged, startTime }: BeatEntry, now: Date): number {
  if (lastRunAt) return lastRunAt.getTime();
  return (dateChanged ?? now).getTime() - (startTime ? 365 * 30 * DAY_MS : 0);
}

function firstAfterStart({ timing }: BeatEntry, startTime: Date): number {
  return timing.kind === 'crontab'
    ? nextCrontab(timing.rule, zoneOf(timing.timezone), startTime.getTime())
    : startTime.getTime();
}

function nextAfter({ timing }: BeatEntry, last: number): number | null {
  switch (timing.kind) {
    case 'interval':
      return last + timing.seconds * 1000;
    case 'clocked':
      return timing.time.getTime();
    case 'crontab':
      return nextCrontab(timing.rule, zoneOf(timing.timezone), last);
    case 'solar':
      return nextSun(timing, last);
  }
}

/**
 * The first minute of the wall clock after the one of `last` in which all fields match. As Python has it, a time that clocks
 * show twice is the first of the two, and one that they jump over is taken to be as long after the jump.
 */
function nextCrontab(rule: CrontabRule, zone: Zone, last: number): number {
  const minute = Math.floor(zone.wallAt(last) / MINUTE_MS) * MINUTE_MS;
  const wall = nextWall(rule, minute);
  const instants = zone.instantsOf(wall);
  // In an hour that is there twice a run of its second half would be followed by one of its first, and so without end.
  if (instants.length > 0) return instants.find((instant) => instant > last) ?? instants.at(-1)!;
  return wall - (zone.wallAt(wall - DAY_MS) - (wall - DAY_MS));
}

function nextWall(rule: CrontabRule, after: number): number {
  const clock = rule.hour.flatMap((hour) => rule.minute.map((minute) => (hour * 60 + minute) * MINUTE_MS));
  let day = Math.floor(after / DAY_MS) * DAY_MS;
  for (let n = 0; n < MAX_DAYS; n++, day += DAY_MS) {
    const date = new Date(day);
    if (!rule.monthOfYear.includes(date.getUTCMonth() + 1)) continue;
    if (!rule.dayOfMonth.includes(date.getUTCDate()) || !rule.dayOfWeek.includes(date.getUTCDay())) continue;
    const time = clock.find((one) => day + one > after);
    if (time !== undefined) return day + time;
  }
  throw new Error(`crontab "${rule.text}" never fires`);
}

/** Null where the sun does not do it within a year. */
function nextSun(rule: { event: string; latitude: number; longitude: number }, last: number): number | null {
  const today = Math.floor(last / DAY_MS) * DAY_MS;
  for (let n = -1; n <= MAX_SUN_DAYS; n++) {
    const time = sunTime(rule, today + n * DAY_MS);
    // The formulas differ by seconds: the one that was just had is not the next.
    if (time !== null && time > last + 10 * MINUTE_MS) return time;
  }
  return null;
}
