import type { CalendarRule, Span } from '../core/schedule.js';

/** What a cron text stands for: it fires when one of its calendars does, or one of its intervals. */
export interface CronRule {
  /** Of a `CRON_TZ=` or `TZ=` in front. */
  timezone?: string;
  calendars: CalendarRule[];
  intervals: Array<{ intervalMs: number; offsetMs: number }>;
}

export type Unit = 'second' | 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek' | 'year';

interface Field {
  called: string;
  min: number;
  max: number;
  /** The first stands for `min`. */
  names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
export const LAST_YEAR = 2100;

export const FIELDS: Readonly<Record<Unit, Field>> = {
  second: { called: 'second', min: 0, max: 59 },
  minute: { called: 'minute', min: 0, max: 59 },
  hour: { called: 'hour', min: 0, max: 23 },
  dayOfMonth: { called: 'day of month', min: 1, max: 31 },
  month: { called: 'month', min: 1, max: 12, names: MONTHS },
  // 7 is Sunday too.
  dayOfWeek: { called: 'day of week', min: 0, max: 7, names: DAYS },
  year: { called: 'year', min: 1970, max: LAST_YEAR },
};

const ORDER: readonly Unit[] = ['second', 'minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek', 'year'];

const SHORTHANDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/**
 * Reads a cron text of 5 fields, 6 (seconds first, or a year last) or 7 (seconds first, years last), a shorthand such as `@daily`, or
 * `@every 1h30m/5m`. As classic cron has it, a day matches when its day of month or its day of week does, where both are
 * restricted; a field that begins with `*` or `?` restricts nothing.
 * @returns the rule, or what is wrong, each fault with the part it is about
 */
export function parseCron(text: string): { rule: CronRule } | { faults: string[] } {
  const [, zone, body = ''] = /^\s*(?:(?:CRON_)?TZ=(\S*)\s+)?(.*?)(?:\s+#.*)?\s*$/s.exec(text)!;
  const timezone = zone === undefined ? {} : { timezone: zone };
  if (/^@every\b/.test(body)) {
    const interval = parseEvery(body);
    return 'fault' in interval
      ? { faults: [interval.fault] }
      : { rule: { ...timezone, calendars: [], intervals: [interval] } };
  }
  if (body.startsWith('@') && !Object.hasOwn(SHORTHANDS, body)) {
    return { faults: [`"${body}" is no shorthand; wanted one of ${Object.keys(SHORTHANDS).join(', ')}, @every 15m`] };
  }
  const parts = (SHORTHANDS[body] ?? body).split(/\s+/).filter(Boolean);
  if (parts.length < 5 || parts.length > 7) {
    return {
      faults: [
        `"${text}" has ${parts.length} ${parts.length === 1 ? 'field' : 'fields'}; wanted 5 (minute, hour, day of month, month, day of week), 6 with seconds in front or years behind, or 7 with both`,
      ],
    };
  }
  const units = unitsOf(parts);
  const faults: string[] = [];
  const rule: CalendarRule = { ...EVERY_DAY, second: [{ start: 0, end: 0, step: 1 }] };
  units.forEach((unit, n) => {
    const parsed = parseField(unit, parts[n]!);
    if ('fault' in parsed) faults.push(parsed.fault);
    else rule[unit] = parsed.spans;
  });
  if (faults.length > 0) return { faults };
  const restricts = (unit: Unit) => !/^[*?]/.test(parts[units.indexOf(unit)]!);
  const calendars =
    restricts('dayOfMonth') && restricts('dayOfWeek')
      ? [
          { ...rule, dayOfWeek: EVERY_DAY.dayOfWeek },
          { ...rule, dayOfMonth: EVERY_DAY.dayOfMonth },
        ]
      : [rule];
  return { rule: { ...timezone, calendars, intervals: [] } };
}

/** Of six fields the last is the year where it can be nothing else. */
function unitsOf(parts: readonly string[]): readonly Unit[] {
  if (parts.length === 7) return ORDER;
  const years = parts.length === 6 && /\d{4}/.test(parts[5]!);
  return years ? ORDER.slice(1) : ORDER.slice(parts.length === 5 ? 1 : 0, 6);
}

/** Every second of every day. */
export const EVERY_DAY: Readonly<CalendarRule> = {
  second: [{ start: 0, end: 59, step: 1 }],
  minute: [{ start: 0, end: 59, step: 1 }],
  hour: [{ start: 0, end: 23, step: 1 }],
  dayOfMonth: [{ start: 1, end: 31, step: 1 }],
  month: [{ start: 1, end: 12, step: 1 }],
  dayOfWeek: [{ start: 0, end: 6, step: 1 }],
  year: [],
};

/** One field: `*`, `?`, a value, a range or a list of them, each with a step where it is a range. */
export function parseField(unit: Unit, text: string): { spans: Span[] } | { fault: string } {
  const field = FIELDS[unit];
  const spans: Span[] = [];
  for (const part of text.split(',')) {
    const span = parsePart(field, part);
    if (typeof span === 'string') return { fault: `${field.called} "${text}": ${span}` };
    spans.push(...(unit === 'dayOfWeek' ? sundayFirst(span) : [span]));
  }
  const everything = spans.some(({ start, end, step }) => start === field.min && end === field.max && step === 1);
  return { spans: unit === 'year' && everything ? [] : spans };
}

/** A span, or what is wrong with it. */
function parsePart(field: Field, part: string): Span | string {
  const { min, names } = field;
  // Of the two numbers that Sunday has, a star means the first.
  const max = names === DAYS ? 6 : field.max;
  const match = /^([*?]|[^-/]+)(?:-([^-/]+))?(?:\/(.+))?$/.exec(part);
  if (!match)
    return `"${part}" is nothing; wanted a value, a range such as ${min}-${max}, a list, or a step such as */2`;
  const [, from = '', to, by] = match;
  if (/^(L|LW|W|\d*W|.+L|.+#\d+)$/i.test(part) && valueOf(field, from) === null) {
    return `"${part}" (last, nearest weekday, nth weekday) is not supported; write the days, or use when.calendar`;
  }
  if (by !== undefined && !/^[1-9]\d*$/.test(by)) return `step "${by}" is no whole number above 0`;
  const step = by === undefined ? 1 : Number(by);
  if (from === '*' || from === '?') return to === undefined ? { start: min, end: max, step } : `"${part}" is no range`;
  const start = valueOf(field, from);
  if (start === null) return outside(field, from);
  if (to === undefined) return { start, end: by === undefined ? start : Math.max(start, max), step };
  const end = valueOf(field, to);
  if (end === null) return outside(field, to);
  // Celery and many crons let Sunday end a week.
  if (names === DAYS && end === 0 && start > 0) return { start, end: 7, step };
  if (end < start) return `range "${part}" ends before it begins; write it as two, such as ${from}-${max},${min}-${to}`;
  return { start, end, step };
}

function outside(field: Field, value: string): string {
  const names = field.names ? `, or a name from ${field.names[0]} to ${field.names.at(-1)}` : '';
  return `"${value}" is not there; wanted a whole number from ${field.min} to ${field.max}${names}`;
}

/** Null where it is none of the field's. */
export function valueOf({ min, max, names }: Field, text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text) >= min && Number(text) <= max ? Number(text) : null;
  const word = text.toLowerCase();
  const index = names?.findIndex((name) => word === name || (word.length > 3 && LONG_NAMES[name] === word)) ?? -1;
  return index < 0 ? null : index + min;
}

const LONG_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'january february march april may june july august september october november december',
    'sunday monday tuesday wednesday thursday friday saturday',
  ].flatMap((names) => names.split(' ').map((name) => [name.slice(0, 3), name])),
);

/** A span of days in which Sunday may be 7, as spans in which it is 0. */
export function sundayFirst(span: Span): Span[] {
  if (span.end < 7) return [span];
  const spans: Span[] = [];
  if ((7 - span.start) % span.step === 0) spans.push({ start: 0, end: 0, step: 1 });
  if (span.start <= 6) spans.push({ ...span, end: 6 });
  return spans;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `@every 1h30m`, `@every 1h/5m`: every so long, counted from the epoch and put off by what stands behind the stroke. */
function parseEvery(body: string): { intervalMs: number; offsetMs: number } | { fault: string } {
  const [every, offset, ...more] = body.slice('@every'.length).trim().split('/');
  const intervalMs = goDuration(every!);
  const offsetMs = offset === undefined ? 0 : goDuration(offset);
  if (intervalMs === null || offsetMs === null || more.length > 0) {
    return {
      fault: `"${body}" is no interval; wanted such as @every 15m, @every 1h30m or, put off by 5 minutes, @every 1h/5m`,
    };
  }
  if (intervalMs < 1000) return { fault: `"${body}": wanted at least 1s` };
  return { intervalMs, offsetMs: offsetMs % intervalMs };
}

function goDuration(text: string): number | null {
  if (!/^(\d+[smhdw])+$/.test(text)) return null;
  return [...text.matchAll(/(\d+)([smhdw])/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * SECONDS[unit!]! * 1000,
    0,
  );
}
