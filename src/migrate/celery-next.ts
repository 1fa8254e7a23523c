import { DateTime } from 'luxon';
import { nextTimes } from '../timetable/next-times.js';
import type { BeatEntry, BeatRule } from './beat-entries.js';
import { celeryField } from './celery-cron.js';

/** Five times the 29th of February, with a year that has none. */
const MAX_DAYS = 366 * 41;

/**
 * When Celery would run an entry next: its own arithmetic, which has nothing in common with ours, so that the two can be held
 * against each other. The sun's events are the same computation, which is held against Celery's elsewhere.
 */
export function celeryNext({ rule, lastRun, changed, start }: BeatEntry, after: Date, count: number): Date[] {
  const from = start && start > after ? new Date(start.getTime() - 1) : after;
  switch (rule.kind) {
    case 'interval': {
      const every = rule.microseconds / 1000;
      const anchor = (lastRun ?? changed ?? after).getTime();
      const first = Math.floor((from.getTime() - anchor) / every) + 1;
      return Array.from({ length: count }, (_, n) => new Date(anchor + (first + n) * every));
    }
    case 'crontab':
      return crontabTimes(rule, from, count);
    case 'solar': {
      const { event, latitude, longitude } = rule;
      return nextTimes({ when: { solar: { event, latitude, longitude } }, timezone: 'UTC' }, { from, count });
    }
    case 'clocked':
      return rule.time > after ? [rule.time] : [];
  }
}

function crontabTimes(rule: Extract<BeatRule, { kind: 'crontab' }>, after: Date, count: number): Date[] {
  const values = (unit: Parameters<typeof celeryField>[0], text: string) => celeryField(unit, text) as number[];
  const [minutes, hours] = [values('minute', rule.minute), values('hour', rule.hour)];
  const days = new Set(values('dayOfMonth', rule.dayOfMonth));
  const months = new Set(values('month', rule.month));
  const weekdays = new Set(values('dayOfWeek', rule.dayOfWeek));
  const times: Date[] = [];
  let day = DateTime.fromJSDate(after, { zone: rule.timezone }).startOf('day');
  for (let n = 0; n < MAX_DAYS && times.length < count; n++, day = day.plus({ days: 1 })) {
    if (!months.has(day.month) || !days.has(day.day) || !weekdays.has(day.weekday % 7)) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const { year, month, day: date } = day;
        const shown = DateTime.fromObject({ year, month, day: date, hour, minute }, { zone: rule.timezone });
        // A time that is shown twice is the first of the two.
        const time = shown.getPossibleOffsets()[0]!.toJSDate();
        if (time > after && times.length < count) times.push(time);
      }
    }
  }
  return times;
}
