import type { CalendarRule, Span, When } from '../core/schedule.js';
import { EVERY_DAY, FIELDS } from './cron.js';
import type { Unit } from './cron.js';
import { firingRule } from './firing-rule.js';
import { sortedValuesOf } from './spans.js';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = 'January February March April May June July August September October November December'.split(' ');
/** More of them are told as the range they lie in. */
const MOST_TIMES = 6;

/** When a schedule fires, as a sentence: `at 02:30 on Monday to Friday, Europe/Berlin`. */
export function describeWhen(when: When, timezone: string): string {
  if ('at' in when) return `once, at ${when.at}`;
  if ('solar' in when) {
    const { event, latitude, longitude } = when.solar;
    return `at ${event.replaceAll('_', ' ')} at latitude ${latitude}, longitude ${longitude}`;
  }
  const { calendars, intervals } = firingRule(when, timezone);
  const sentences = [
    ...intervals.map(({ intervalMs, offsetMs }) => {
      const off = offsetMs === 0 ? '' : `, put off by ${duration(offsetMs)}`;
      return `every ${duration(intervalMs).replace(/^1 (\w+)$/, '$1')}, counted from 1970-01-01T00:00:00Z${off}`;
    }),
    ...calendars.map(describeCalendar),
  ];
  return `${sentences.join('; or ')}${calendars.length > 0 ? `, ${timezone}` : ''}`;
}

function describeCalendar(rule: CalendarRule): string {
  const days = [
    every(rule, 'dayOfWeek') ? '' : `on ${list(rule.dayOfWeek, (day) => DAYS[day]!)}`,
    every(rule, 'dayOfMonth') ? '' : `on day ${list(rule.dayOfMonth, String)} of the month`,
    every(rule, 'month') ? '' : `in ${list(rule.month, (month) => MONTHS[month - 1]!)}`,
    rule.year.length === 0 ? '' : `in ${list(rule.year, String)}`,
  ].filter(Boolean);
  return [describeClock(rule), ...(days.length > 0 ? days : every(rule, 'hour') ? [] : ['every day'])].join(' ');
}

function describeClock(rule: CalendarRule): string {
  const [hours, minutes, seconds] = [rule.hour, rule.minute, rule.second].map(sortedValuesOf) as [
    number[],
    number[],
    number[],
  ];
  const atZero = seconds.length === 1 && seconds[0] === 0;
  if (atZero && hours.length * minutes.length <= MOST_TIMES) {
    return `at ${joined(hours.flatMap((h) => minutes.map((m) => `${two(h)}:${two(m)}`)))}`;
  }
  const second = atZero ? '' : `${part(rule, 'second')} of `;
  const minute = second !== '' && every(rule, 'minute') ? 'every minute' : part(rule, 'minute');
  if (every(rule, 'hour')) return `${second}${minute}${every(rule, 'minute') ? '' : ' of every hour'}`;
  return `${second}${minute} of hour ${list(rule.hour, two)}`;
}

function part(rule: CalendarRule, unit: 'second' | 'minute'): string {
  const [span] = rule[unit];
  if (every(rule, unit)) return `every ${unit}`;
  if (rule[unit].length === 1 && span!.step > 1) {
    const whole = span!.start === 0 && span!.end === FIELDS[unit].max;
    return `every ${ordinal(span!.step)} ${unit}${whole ? '' : ` from ${span!.start} to ${span!.end}`}`;
  }
  return `${unit} ${list(rule[unit], String)}`;
}

function every(rule: CalendarRule, unit: Exclude<Unit, 'year'>): boolean {
  return sortedValuesOf(rule[unit]).length === sortedValuesOf(EVERY_DAY[unit]).length;
}

function list(spans: readonly Span[], name: (value: number) => string): string {
  return joined(
    spans.map(({ start, end, step }) => {
      if (start === end) return name(start);
      return `${name(start)} to ${name(end)}${step === 1 ? '' : `, every ${ordinal(step)}`}`;
    }),
  );
}

function joined(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function ordinal(value: number): string {
  const ending = value % 100 >= 11 && value % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th');
  return `${value}${ending}`;
}

const UNITS: ReadonlyArray<[ms: number, name: string]> = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
];

function duration(ms: number): string {
  const words: string[] = [];
  let left = ms;
  for (const [unit, name] of UNITS) {
    const count = Math.floor(left / unit);
    left -= count * unit;
    if (count > 0) words.push(`${count} ${name}${count === 1 ? '' : 's'}`);
  }
  return words.join(' ');
}
