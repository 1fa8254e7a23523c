import type { Schedule } from '../core/schedule.js';
import { describeWhen } from './describe.js';
import { localTime } from './local-time.js';
import { nextTimes } from './next-times.js';

/** When a schedule fires from now on, for people: a sentence, and each time in UTC and in its zone (RFC 3339). */
export function upcoming(schedule: Schedule, range: { count: number; until?: Date }) {
  const { when, timezone } = schedule;
  return {
    sentence: describeWhen(when, timezone),
    timezone,
    times: nextTimes(schedule, { ...range, from: new Date() }).map((time) => ({
      time: time.toISOString(),
      local: localTime(time, timezone),
    })),
  };
}
