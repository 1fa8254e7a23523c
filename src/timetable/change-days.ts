import type { CalendarRule } from '../core/schedule.js';
import { calendarAt } from './firing-rule.js';
import { dayMatcher, valuesOf } from './spans.js';
import type { ClockChange, Zone } from './zone.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SECOND_MS = 1000;

/**
 * What a calendar does on the days on which clocks are changed, as cron documents it. A calendar of all hours goes by real
 * time. One of certain hours fires once for each of its times: a time that the clock jumps over fires when it has jumped, and
 * one that it shows twice fires the first time.
 *
 * The server knows none of this: in zones east of Greenwich it leaves out what lies behind the doubled hour and fires an hour
 * late instead, in others it fires twice. So the instants of those hours are given to it one by one, and what it would do by
 * itself is excluded. It excludes by what the clock shows, so the instants of a doubled hour are put off by a second.
 */
export function instantsOnChangeDay(calendar: CalendarRule, zone: Zone, wall: number): number[] {
  const instants = zone.instantsOf(wall);
  if (coversAllHours(calendar) || instants.length === 1) return instants;
  if (instants.length === 2) return [instants[0]! + SECOND_MS];
  const jump = zone
    .changes(wall - 36 * HOUR_MS, wall + 36 * HOUR_MS)
    .find(({ wallBefore, wallAfter }) => wallBefore <= wall && wall < wallAfter);
  return jump ? [jump.instant] : [];
}

function coversAllHours({ hour }: CalendarRule): boolean {
  return valuesOf(hour).size === 24;
}

const HORIZON_MS = 10 * 365 * 24 * HOUR_MS;
/** Those of the nearest years come first. The server goes through them at each of its steps. */
const MAX_CORRECTIONS = 500;

export interface Corrections {
  /** To be fired at beside what the calendars say. */
  instants: number[];
  /** Not to be fired at. */
  excluded: CalendarRule[];
}

/** What the server has to be told beside the calendars, so that it does on change days as `instantsOnChangeDay` says. */
export function changeDayCorrections(
  calendars: readonly CalendarRule[],
  zone: Zone,
  from: number,
  until = from + HORIZON_MS,
): Corrections {
  const all: Corrections = { instants: [], excluded: [] };
  for (const change of zone.changes(from, until)) {
    const { instants, excluded } = correctionsOf(calendars, zone, change);
    if (all.instants.length + all.excluded.length + instants.length + excluded.length > MAX_CORRECTIONS) break;
    all.instants.push(...instants);
    all.excluded.push(...excluded);
  }
  return all;
}

/**
 * The server goes astray from the hour before the doubled times to the second hour behind them, and takes a time that is
 * jumped over for another one where the jump is no whole hour.
 */
function correctionsOf(calendars: readonly CalendarRule[], zone: Zone, change: ClockChange): Corrections {
  const { wallBefore, wallAfter } = change;
  const shift = wallAfter - wallBefore;
  const jumps = shift > 0;
  const from = Math.min(wallBefore, wallAfter - HOUR_MS);
  const until = wallBefore + 2 * HOUR_MS;
  const instants = new Set<number>();
  /** What clocks show when something fires. */
  const shown = new Set<number>();
  const strays = new Set<number>();
  for (const hour of hoursBetween(from, until)) {
    for (const calendar of calendars) {
      for (const wall of timesIn(calendar, hour)) {
        const lost = zone.instantsOf(wall).length === 0;
        if (jumps && lost) strays.add(wall + shift);
        for (const instant of instantsOnChangeDay(calendar, zone, wall)) {
          if (!jumps || lost) instants.add(instant);
          shown.add(zone.wallAt(instant));
        }
      }
      if (jumps) continue;
      if (!coversAllHours(calendar)) for (const wall of clockIn(calendar, hour)) strays.add(wall);
      if (shift % HOUR_MS !== 0) for (const wall of clockIn(calendar, hour)) strays.add(wall - shift);
    }
  }
  const excluded = [...strays].filter((wall) => !shown.has(wall));
  return { instants: [...instants], excluded: excluded.map((wall) => calendarAt(new Date(wall))) };
}

function hoursBetween(from: number, until: number): number[] {
  const first = Math.floor(from / HOUR_MS);
  return Array.from({ length: Math.ceil(until / HOUR_MS) - first }, (_, n) => (first + n) * HOUR_MS);
}

/** The wall-clock times of a calendar in an hour. */
function timesIn(calendar: CalendarRule, hour: number): number[] {
  const day = Math.floor(hour / DAY_MS) * DAY_MS;
  if (!valuesOf(calendar.hour).has((hour - day) / HOUR_MS) || !dayMatcher(calendar)(day)) return [];
  return clockIn(calendar, hour);
}

/** The wall-clock times that it would have, were the hour one of its own. */
function clockIn(calendar: CalendarRule, hour: number): number[] {
  const seconds = [...valuesOf(calendar.second)];
  return [...valuesOf(calendar.minute)].flatMap((minute) =>
    seconds.map((second) => hour + (minute * 60 + second) * SECOND_MS),
  );
}
