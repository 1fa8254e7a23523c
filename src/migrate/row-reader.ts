import type { Issue } from '../core/errors.js';
import type { Row } from './beat-tables.js';

const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?\s*(Z|[+-]\d\d(?::?\d\d)?(?::?\d\d)?)?$/i;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value for a message: JSON, cut at 60 characters. */
export function quoted(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/**
 * Reads the columns of a row, whatever driver it came from: PostgreSQL gives text, SQLite numbers, JSON what JSON has. What is
 * wrong is added to `issues` with the place of the row; the answer is then a stand-in.
 */
export class RowReader {
  constructor(
    private readonly row: Row,
    readonly where: string,
    private readonly issues: Issue[],
  ) {}

  fault(column: string, message: string): void {
    this.issues.push({ path: `${this.where} column ${column}`, message });
  }

  text(column: string): string {
    const value = this.row[column];
    if (typeof value === 'string' && value !== '') return value;
    this.fault(column, `wanted a text, found ${quoted(value ?? null)}`);
    return '?';
  }

  /** Null where there is none, or an empty one. */
  optionalText(column: string): string | null {
    const value = this.row[column];
    if (value === null || value === undefined || value === '') return null;
    return typeof value === 'string' ? value : JSON.stringify(value);
  }

  wholeNumber(column: string, from: number, to: number, { required = false } = {}): number | null {
    const value = this.row[column] ?? '';
    if (!required && value === '') return null;
    const number = typeof value === 'boolean' || value === '' ? Number.NaN : Number(value);
    if (Number.isSafeInteger(number) && number >= from && number <= to) return number;
    this.fault(column, `wanted a whole number from ${from} to ${to}, found ${quoted(this.row[column] ?? null)}`);
    return null;
  }

  decimal(column: string, from: number, to: number): number {
    const value = this.row[column];
    const number = typeof value === 'number' ? value : Number.parseFloat(typeof value === 'string' ? value : '');
    if (number >= from && number <= to) return number;
    this.fault(column, `wanted a number from ${from} to ${to}, found ${quoted(value ?? null)}`);
    return 0;
  }

  flag(column: string): boolean {
    const value = this.row[column];
    if (value === true || value === 1 || value === 't' || value === 'true' || value === '1') return true;
    if (value === false || value === 0 || value === 'f' || value === 'false' || value === '0') return false;
    this.fault(column, `wanted true or false, found ${quoted(value ?? null)}`);
    return false;
  }

  /** Without an offset it is UTC, for so beat itself reads it. */
  time(column: string, { required = false } = {}): Date | null {
    const value = this.row[column];
    if (!required && (value === null || value === undefined || value === '')) return null;
    const time = typeof value === 'string' ? timeOf(value) : null;
    if (!time) this.fault(column, `wanted a time such as 2026-12-01 06:00:00+00:00, found ${quoted(value ?? null)}`);
    return time;
  }

  /** JSON in a text; empty stands for `fallback`, as beat has it. */
  json<T extends unknown[] | Record<string, unknown>>(column: string, fallback: T): T {
    const text = this.optionalText(column);
    if (text === null) return fallback;
    const wanted = Array.isArray(fallback) ? 'a list' : 'an object';
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.fault(column, `wanted ${wanted} as JSON, found ${quoted(text)}`);
      return fallback;
    }
    if (Array.isArray(fallback) ? Array.isArray(value) : isObject(value)) return value as T;
    this.fault(column, `wanted ${wanted} as JSON, found ${quoted(text)}`);
    return fallback;
  }
}

/** To the millisecond. */
export function timeOf(text: string): Date | null {
  const [, date, clock, fraction = '', offset = 'Z'] = TIME.exec(text) ?? [];
  if (date === undefined) return null;
  const zone = /^[+-]\d\d$/.test(offset) ? `${offset}:00` : offset.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
  const time = new Date(`${date}T${clock}${fraction.slice(0, 4)}${zone}`);
  return Number.isNaN(time.getTime()) || !existsOnCalendar(date) ? null : time;
}

/** The clock of JavaScript turns the 30th of February into a day of March. */
function existsOnCalendar(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}
