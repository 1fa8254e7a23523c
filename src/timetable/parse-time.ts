import { DateTime } from 'luxon';
import { zoneOf } from './zone.js';

const FORM = 'wanted such as 2026-12-01T06:00:00Z, or without a zone in that of the schedule';

/**
 * A moment, to the second: RFC 3339 with its offset, or the wall-clock time of a zone. A time that its clocks show twice is the
 * first of the two.
 */
export function parseTime(text: string, timezone: string): { time: Date } | { fault: string } {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/i.test(text))
    return { fault: `"${text}" is no time; ${FORM}` };
  const parsed = DateTime.fromISO(text.toUpperCase(), { zone: 'UTC' });
  if (!parsed.isValid) return { fault: `"${text}" is no date of the calendar; ${FORM}` };
  const ms = Math.floor(parsed.toMillis() / 1000) * 1000;
  if (/(Z|[+-]\d\d:\d\d)$/i.test(text)) return { time: new Date(ms) };
  const [first] = zoneOf(timezone).instantsOf(ms);
  if (first === undefined)
    return { fault: `"${text}" does not exist in ${timezone}: the clock is put forward over it` };
  return { time: new Date(first) };
}
