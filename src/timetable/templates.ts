import { DateTime } from 'luxon';
import { MillraceError } from '../core/errors.js';
import type { Issue } from '../core/errors.js';

/** The moment that templates stand for, and the zone they write it in. */
export interface TemplateTime {
  time: Date;
  timezone: string;
}

const TEMPLATE = /\{\{\s*([A-Za-z]\w*)([^{}]*)\}\}/g;
const UNCLOSED = /\{\{\s*scheduledTime(?![^{}]*\}\})/;
const NAME = 'scheduledTime';
const OFFSETS = /^\s*((?:[+-]\d{1,5}[smhdwMy]\s*)*)(?::(.*))?$/s;
const UNITS = { s: 'seconds', m: 'minutes', h: 'hours', d: 'days', w: 'weeks', M: 'months', y: 'years' } as const;

/** The tokens of a format, longest first; what stands in single quotes is meant as it stands. */
const TOKENS =
  /^(?:'[^']*'|yyyy|yy|MMMM|MMM|MM|M|dd|d|ooo|o|HH|H|hh|h|mm|m|ss|s|SSS|a|cccc|ccc|c|kkkk|WW|W|q|ZZZ|ZZ|Z|z|[^A-Za-z'])*$/;
const FORM = `wanted {{${NAME}}}, {{${NAME}:yyyy-MM-dd}} or {{${NAME}-1d:yyyy/MM/dd}}`;

/** Whether any text in a value holds a template. */
export function hasTemplates(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('{{') && (UNCLOSED.test(value) || value.search(TEMPLATE) >= 0);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasTemplates);
}

/**
 * A copy of a value in whose texts each template is written out: `{{scheduledTime}}` as RFC 3339, `{{scheduledTime:yyyy-MM-dd}}`
 * in a format of Luxon's tokens, `{{scheduledTime-1d:…}}` so much earlier by the calendar of the zone, `:unix` and `:unixMs` as a
 * number. Keys are left alone.
 * @param scheduled null: there is no such moment, so every template is a fault
 * @throws MillraceError `spec.invalid` with one issue a template that cannot be written
 */
export function resolveTemplates<T>(value: T, scheduled: TemplateTime | null): T {
  const issues: Issue[] = [];
  const moment = scheduled && DateTime.fromJSDate(scheduled.time, { zone: scheduled.timezone }).setLocale('en-US');
  const resolved = resolve(value, moment, '', issues);
  if (issues.length > 0) {
    const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
    throw new MillraceError('spec.invalid', `${issues[0]!.message}${more}`, { issues });
  }
  return resolved as T;
}

function resolve(value: unknown, moment: DateTime | null, path: string, issues: Issue[]): unknown {
  if (typeof value === 'string') return value.includes('{{') ? resolveText(value, moment, path, issues) : value;
  if (Array.isArray(value)) return value.map((one, n) => resolve(one, moment, `${path}/${n}`, issues));
  if (typeof value !== 'object' || value === null) return value;
  const step = (key: string) => `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolve(one, moment, step(key), issues)]));
}

function resolveText(text: string, moment: DateTime | null, path: string, issues: Issue[]): string {
  const fault = (message: string) => {
    issues.push({ path, message });
    return '';
  };
  if (UNCLOSED.test(text))
    return fault(`template "${text.slice(text.search(UNCLOSED)).slice(0, 40)}" has no end; ${FORM}`);
  return text.replace(TEMPLATE, (template, name: string, rest: string) => {
    if (name !== NAME) return fault(`template "${template}" names no field; ${FORM}`);
    const parsed = OFFSETS.exec(rest);
    if (!parsed) return fault(`template "${template}" is not understood; ${FORM}`);
    const [, offsets = '', format] = parsed;
    if (format !== undefined && (format.trim() === '' || !(isNumber(format) || TOKENS.test(format)))) {
      return fault(`template "${template}" has no known format; ${FORM}, :unix or :unixMs`);
    }
    if (!moment) {
      return fault(
        `template "${template}" needs the time of a schedule; start it by one, or give "--param ${NAME}=2026-12-01T00:00:00Z"`,
      );
    }
    const shifted = [...offsets.matchAll(/([+-]\d+)([smhdwMy])/g)].reduce(
      (at, [, count, unit]) => at.plus({ [UNITS[unit as keyof typeof UNITS]]: Number(count) }),
      moment,
    );
    return written(shifted, format);
  });
}

function isNumber(format: string): boolean {
  return format === 'unix' || format === 'unixMs';
}

function written(moment: DateTime, format: string | undefined): string {
  if (format === 'unix') return String(Math.floor(moment.toSeconds()));
  if (format === 'unixMs') return String(moment.toMillis());
  return format === undefined ? moment.toISO({ suppressMilliseconds: true })! : moment.toFormat(format);
}
