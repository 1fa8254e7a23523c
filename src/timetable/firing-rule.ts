import type { CalendarRule, When } from '../core/schedule.js';
import { EVERY_DAY, parseCron } from './cron.js';

/** When a schedule fires, in the server's terms: when one of its calendars does, or one of its intervals. */
export interface FiringRule {
  calendars: CalendarRule[];
  intervals: Array<{ intervalMs: number; offsetMs: number }>;
  /** In which the calendars are read. */
  timezone: string;
}

/** The rule of everything but the sun. */
export function firingRule(when: Exclude<When, { solar: unknown }>, timezone: string): FiringRule {
  if ('every' in when) return { calendars: [], intervals: [when.every], timezone };
  if ('calendar' in when) return { calendars: when.calendar, intervals: [], timezone };
  if ('at' in when) return { calendars: [calendarAt(new Date(when.at))], intervals: [], timezone: 'UTC' };
  const rules = when.cron.map((text) => {
    const parsed = parseCron(text);
    if ('faults' in parsed) throw new Error(`cron "${text}" was not checked: ${parsed.faults[0]}`);
    return parsed.rule;
  });
  return {
    calendars: rules.flatMap(({ calendars }) => calendars),
    intervals: rules.flatMap(({ intervals }) => intervals),
    timezone,
  };
}

/** One moment, to the second, in UTC. */
export function calendarAt(moment: Date): CalendarRule {
  const only = (value: number) => [{ start: value, end: value, step: 1 }];
  return {
    second: only(moment.getUTCSeconds()),
    minute: only(moment.getUTCMinutes()),
    hour: only(moment.getUTCHours()),
    dayOfMonth: only(moment.getUTCDate()),
    month: only(moment.getUTCMonth() + 1),
    dayOfWeek: EVERY_DAY.dayOfWeek,
    year: only(moment.getUTCFullYear()),
  };
}
