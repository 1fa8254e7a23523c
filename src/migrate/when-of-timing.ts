import { parseCron } from '../timetable/cron.js';
import { valuesOf } from '../timetable/spans.js';
import type { BeatEntry } from './beat-entry.js';
import { CRONTAB_FIELDS, type CrontabField, type CrontabRule } from './crontab.js';

const MAX_INTERVAL_S = 365 * 86_400;

type Result = { when: Record<string, unknown>; timezone?: string; remarks: string[] } | { why: string };

/** `when` of a schedule that fires as the entry does, or why there is none. */
export function whenOf(entry: BeatEntry, now: Date): Result {
  const { timing } = entry;
  switch (timing.kind) {
    case 'interval':
      return intervalOf(entry, timing.seconds);
    case 'crontab':
      return { when: crontabOf(timing.rule), timezone: timing.timezone, remarks: [] };
    case 'solar':
      return {
        when: { solar: { event: timing.event, latitude: timing.latitude, longitude: timing.longitude } },
        remarks: [],
      };
    case 'clocked': {
      if (timing.time <= now)
        return {
          why: `its time ${timing.time.toISOString()} has passed; Celery would start it at once: start it by hand`,
        };
      return { when: { at: timing.time.toISOString().replace(/\.\d+Z$/, 'Z') }, remarks: [] };
    }
  }
}

/** Celery counts from the last run, the server from the epoch: the offset makes both meet. */
function intervalOf(entry: BeatEntry, seconds: number): Result {
  if (seconds < 1)
    return {
      why: `an interval of ${seconds} s is too short: schedules fire once a second at most; loop inside one task`,
    };
  if (!Number.isInteger(seconds))
    return { why: `an interval of ${seconds} s has a fraction: schedules fire at whole seconds` };
  if (seconds > MAX_INTERVAL_S) return { why: `an interval of ${seconds / 86_400} days is longer than 365` };
  // Before its first run an entry with a start time begins there.
  const base = entry.lastRunAt ?? entry.startTime ?? entry.dateChanged;
  // A start time in the future is where the rhythm begins, whatever ran before it.
  const later = entry.lastRunAt && entry.startTime && entry.startTime > entry.lastRunAt ? entry.startTime : base;
  const offset = later ? Math.floor(later.getTime() / 1000) % seconds : 0;
  const remarks = later ? [] : ['no last run is known: the interval counts from midnight of 1970-01-01 UTC'];
  return { when: { every: { interval: `${seconds}s`, ...(offset > 0 && { offset: `${offset}s` }) } }, remarks };
}

/**
 * A cron text where it means the same, else a calendar: Celery wants both the day of the month and the day of the week to
 * match, cron one of them.
 */
function crontabOf(rule: CrontabRule): Record<string, unknown> {
  const text = rule.text.toLowerCase();
  return sameAsCron(rule, text) ? { cron: text } : { calendar: calendarOf(rule) };
}

function sameAsCron(rule: CrontabRule, text: string): boolean {
  const parsed = parseCron(text);
  if (!('rule' in parsed) || parsed.rule.timezone !== undefined || text.trim().split(/\s+/).length !== 5) return false;
  const [calendar, ...others] = parsed.rule.calendars;
  if (!calendar || others.length > 0) return false;
  const spans = { ...calendar, monthOfYear: calendar.month };
  return CRONTAB_FIELDS.every((field) => {
    const values = [...new Set(valuesOf(spans[field]))].sort((a, b) => a - b);
    return values.join() === rule[field].join();
  });
}

const ALL: Readonly<Record<CrontabField, number>> = {
  minute: 60,
  hour: 24,
  dayOfMonth: 31,
  monthOfYear: 12,
  dayOfWeek: 7,
};

function calendarOf(rule: CrontabRule): Record<string, unknown> {
  const text = (field: CrontabField) => (rule[field].length === ALL[field] ? '*' : rangesOf(rule[field]));
  return {
    minute: text('minute'),
    hour: text('hour'),
    dayOfMonth: text('dayOfMonth'),
    month: text('monthOfYear'),
    dayOfWeek: text('dayOfWeek'),
  };
}

/** `[1, 2, 3, 7]` -> `1-3,7`. */
function rangesOf(values: readonly number[]): string {
  const ranges: Array<[number, number]> = [];
  for (const value of values) {
    const last = ranges.at(-1);
    if (last && value === last[1] + 1) last[1] = value;
    else ranges.push([value, value]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}
