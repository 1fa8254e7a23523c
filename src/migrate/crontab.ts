/** The values that a crontab of Celery fires at, each list sorted. All five have to match, both fields of days too. */
export interface CrontabRule {
  minute: number[];
  hour: number[];
  dayOfMonth: number[];
  monthOfYear: number[];
  /** 0 is Sunday. */
  dayOfWeek: number[];
  /** As it was written: minute, hour, day of month, month, day of week. */
  text: string;
}

export type CrontabField = Exclude<keyof CrontabRule, 'text'>;

/** In the order of a crontab line. */
export const CRONTAB_FIELDS = ['minute', 'hour', 'dayOfMonth', 'monthOfYear', 'dayOfWeek'] as const;

const BOUNDS: Readonly<Record<CrontabField, readonly [min: number, max: number]>> = {
  minute: [0, 59],
  hour: [0, 23],
  dayOfMonth: [1, 31],
  monthOfYear: [1, 12],
  dayOfWeek: [0, 6],
};

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const LONGEST_MONTH = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** One field as Celery's `crontab_parser` reads it: ranges may wrap around, names of months and days are numbers everywhere. */
export function parseCrontabField(field: CrontabField, text: string): { values: number[] } | { fault: string } {
  const bounds = BOUNDS[field];
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const read = parsePart(part, bounds);
    if (typeof read === 'string') return { fault: read };
    for (const value of read) values.add(value);
  }
  return { values: [...values].sort((a, b) => a - b) };
}

/** Why no date ever matches; null where one does. */
export function neverFires({
  dayOfMonth,
  monthOfYear,
}: Pick<CrontabRule, 'dayOfMonth' | 'monthOfYear'>): string | null {
  const exists = monthOfYear.some((month) => dayOfMonth.some((day) => day <= LONGEST_MONTH[month]!));
  return exists ? null : `there is no day ${dayOfMonth.join(',')} in month ${monthOfYear.join(',')}`;
}

/** Celery's patterns look at the beginning of a part only. */
function parsePart(part: string, bounds: readonly [number, number]): number[] | string {
  if (part === '') return 'there is nothing between two commas, or nothing at all';
  const [, first, last, by] = /^(\w+?)-(\w+)(?:\/(\w*))?/.exec(part) ?? [];
  if (first !== undefined) {
    const range = expand(first, last!, bounds);
    return typeof range === 'string' || by === undefined ? range : everyNth(range, by);
  }
  const [, step] = /^\*\/(\w*)/.exec(part) ?? [];
  if (step !== undefined) return everyNth(upTo(bounds[0], bounds[1]), step);
  return part === '*' ? upTo(bounds[0], bounds[1]) : expand(part, part, bounds);
}

function expand(first: string, last: string, [min, max]: readonly [number, number]): number[] | string {
  const from = numberOf(first, min, max);
  const to = numberOf(last, min, max);
  if (typeof from === 'string') return from;
  if (typeof to === 'string') return to;
  return to < from ? [...upTo(from, max), ...upTo(min, to)] : upTo(from, to);
}

function everyNth(values: number[], by: string): number[] | string {
  const step = /^\d+$/.test(by) ? Number(by) : 0;
  return step > 0 ? values.filter((_, n) => n % step === 0) : `step "${by}" is no whole number above 0`;
}

function numberOf(text: string, min: number, max: number): number | string {
  const word = text.slice(0, 3).toLowerCase();
  const value = /^\s*\+?\d+\s*$/.test(text)
    ? Number(text)
    : MONTHS.includes(word)
      ? MONTHS.indexOf(word) + 1
      : DAYS.indexOf(word);
  if (value < 0) return `"${text}" is no number and no name of a month or day`;
  if (value < min || value > max) {
    const sunday = value === 7 && max === 6 ? '; Celery knows Sunday as 0 only' : '';
    return `wanted ${min} to ${max}, found "${text}"${sunday}`;
  }
  return value;
}

function upTo(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
}
