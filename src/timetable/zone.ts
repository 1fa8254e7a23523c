import { IANAZone } from 'luxon';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export function isZone(name: string): boolean {
  return IANAZone.isValidZone(name);
}

/** Wall-clock time is written as the instant at which a clock in UTC shows it: arithmetic on it is that of the calendar. */
export interface Zone {
  /** What clocks of the zone show at an instant. */
  wallAt(instant: number): number;
  /** The instants at which they show it: none where the clock jumps over it, two where it is put back, in order. */
  instantsOf(wall: number): number[];
  /** What to take away from the wall-clock times of this day to get their instants; null where the clock is changed that day. */
  offsetOn(wallMidnight: number): number | null;
  /** The changes of the clock after `from` and before `until`, in order. */
  changes(from: number, until: number): ClockChange[];
}

export interface ClockChange {
  instant: number;
  /** What clocks show at that instant before the change, and after it. */
  wallBefore: number;
  wallAfter: number;
}

export function zoneOf(name: string): Zone {
  const zone = IANAZone.create(name);
  const offsetAt = (instant: number): number => zone.offset(instant) * MINUTE_MS;

  function changeBetween(from: number, until: number): ClockChange {
    let [low, high] = [from, until];
    while (high - low > 1000) {
      const middle = Math.floor((low + high) / 2000) * 1000;
      if (offsetAt(middle) === offsetAt(from)) low = middle;
      else high = middle;
    }
    return { instant: high, wallBefore: high + offsetAt(from), wallAfter: high + offsetAt(high) };
  }

  return {
    wallAt: (instant) => instant + offsetAt(instant),
    instantsOf(wall) {
      // No zone is further than this from UTC, nor changes its clock twice in between.
      const offsets = new Set([offsetAt(wall - DAY_MS), offsetAt(wall + DAY_MS)]);
      return [...offsets]
        .map((offset) => wall - offset)
        .filter((instant) => instant + offsetAt(instant) === wall)
        .sort((a, b) => a - b);
    },
    offsetOn(wallMidnight) {
      const offset = offsetAt(wallMidnight - offsetAt(wallMidnight));
      return offsetAt(wallMidnight - offset) === offset && offsetAt(wallMidnight + DAY_MS - offset) === offset
        ? offset
        : null;
    },
    changes(from, until) {
      const found: ClockChange[] = [];
      const start = Math.ceil(from / 1000) * 1000;
      for (let at = start; at < until; at += DAY_MS)
        if (offsetAt(at) !== offsetAt(at + DAY_MS)) found.push(changeBetween(at, at + DAY_MS));
      return found.filter(({ instant }) => instant > from && instant < until);
    },
  };
}
