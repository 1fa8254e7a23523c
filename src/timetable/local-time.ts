import { DateTime } from 'luxon';

/** A moment as RFC 3339 with the offset of a zone, to the second. */
export function localTime(time: Date, timezone: string): string {
  return DateTime.fromJSDate(time, { zone: timezone }).startOf('second').toISO({ suppressMilliseconds: true })!;
}
