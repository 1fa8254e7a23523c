import type { Column, ColumnType, Row } from '../core/records.js';

/** Makes row objects from the bounds that a scan left; one is made per table and used for all of its rows. */
export interface RowFactory {
  /** The bytes that bounds point into. `ascii` saves looking for multi-byte characters. */
  load(bytes: Buffer, ascii: boolean): void;
  /** Null where a field does not fit its column; `misfit` says which. */
  row(): Row | null;
  /** The first field of the last record that does not fit. */
  misfit(): { column: Column; value: string };
}

type Cell = (start: number, end: number) => unknown;

const ZERO = 48;
const NINE = 57;
const PLUS = 43;
const MINUS = 45;
const DOT = 46;
const SPACE = 32;
const MAX_INT64 = 9223372036854775807n;
const MIN_INT64 = -9223372036854775808n;
const POWERS_OF_TEN = Array.from({ length: 16 }, (_, i) => 10 ** i);
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * What each type accepts, around it spaces for all but `bool` and `string`:
 * `int` `[+-]digits` within 64 bits; `float` decimal or exponent form, `nan`, `inf`, `infinity`; `bool` true/false,
 * t/f, yes/no, y/n, 1/0; `date` `YYYY-MM-DD`; `timestamp` a date, or one with ` ` or `T`, `HH:MM[:SS[.f{1,9}]]` and an
 * optional `Z` or `±hh[[:]mm]`. Letters in any case. Dates have to exist; dates and timestamps stay text.
 */
export function createRowFactory(
  columns: readonly Column[],
  dialect: { quote: string; nullValues: readonly string[] },
  bounds: Int32Array,
): RowFactory {
  let bytes: Buffer = Buffer.alloc(0);
  let text = '';
  let ascii = true;
  let failed = false;
  const emptyIsNull = dialect.nullValues.includes('');
  const nulls = new Set(
    dialect.nullValues.filter((value) => value !== '').map((value) => Buffer.from(value).toString('latin1')),
  );
  const hasNulls = nulls.size > 0;
  const doubledQuote = dialect.quote + dialect.quote;

  function decode(start: number, end: number): string {
    if (!ascii) {
      for (let i = start; i < end; i++) if (bytes[i]! > 127) return bytes.toString('utf8', start, end);
    }
    return text.slice(start, end);
  }

  function isNull(start: number, end: number): boolean {
    return start === end ? emptyIsNull : hasNulls && nulls.has(text.slice(start, end));
  }

  function fail(): null {
    failed = true;
    return null;
  }

  function string(start: number, end: number): string | null {
    if (start >= 0) return isNull(start, end) ? null : decode(start, end);
    if (end >= 0) return decode(~start, end);
    return decode(~start, ~end).replaceAll(doubledQuote, dialect.quote);
  }

  /** Gives quoted and padded fields their plain bounds, so that the parsers below see digits first and last. */
  function trimmed(parse: (start: number, end: number) => unknown): Cell {
    return (start, end) => {
      if (start < 0) {
        start = ~start;
        if (end < 0) return fail();
      } else if (isNull(start, end)) return null;
      while (start < end && bytes[start] === SPACE) start++;
      while (end > start && bytes[end - 1] === SPACE) end--;
      return start === end ? fail() : parse(start, end);
    };
  }

  function int(start: number, end: number): number | bigint | null {
    let i = start;
    const negative = bytes[i] === MINUS;
    if (negative || bytes[i] === PLUS) i++;
    const digits = end - i;
    if (digits === 0) return fail();
    let value = 0;
    for (; i < end; i++) {
      const digit = bytes[i]! - ZERO;
      if (digit < 0 || digit > 9) return fail();
      value = value * 10 + digit;
    }
    if (digits <= 15) return negative && value !== 0 ? -value : value;
    const exact =
      BigInt(text.slice(negative || bytes[start] === PLUS ? start + 1 : start, end)) * (negative ? -1n : 1n);
    if (exact > MAX_INT64 || exact < MIN_INT64) return fail();
    return BigInt.asIntN(54, exact) === exact && Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  }

  function float(start: number, end: number): number | null {
    let i = start;
    const negative = bytes[i] === MINUS;
    if (negative || bytes[i] === PLUS) i++;
    let mantissa = 0;
    let digits = 0;
    let decimals = -1;
    for (; i < end; i++) {
      const byte = bytes[i]!;
      if (byte >= ZERO && byte <= NINE) {
        mantissa = mantissa * 10 + (byte - ZERO);
        digits++;
        if (decimals >= 0) decimals++;
      } else if (byte === DOT && decimals < 0) decimals = 0;
      else break;
    }
    // Both operands are exact up to 15 digits, so the quotient is the nearest double, as Number() would give.
    if (i === end && digits > 0 && digits <= 15) {
      const value = decimals > 0 ? mantissa / POWERS_OF_TEN[decimals]! : mantissa;
      return negative ? -value : value;
    }
    return parseFloatText(text.slice(start, end)) ?? fail();
  }

  function date(start: number, end: number): string | null {
    return end - start === 10 && isDate(bytes, start) ? text.slice(start, end) : fail();
  }

  function timestamp(start: number, end: number): string | null {
    return isTimestamp(bytes, start, end) ? text.slice(start, end) : fail();
  }

  function bool(start: number, end: number): boolean | null {
    if (start < 0) {
      start = ~start;
      if (end < 0) return fail();
    } else if (isNull(start, end)) return null;
    return parseBoolText(text.slice(start, end)) ?? fail();
  }

  const cells: Record<ColumnType, Cell> = {
    int: trimmed(int),
    float: trimmed(float),
    bool,
    date: trimmed(date),
    timestamp: trimmed(timestamp),
    string,
    json: string,
  };
  const makeRow = compileRow(columns, cells, bounds);

  return {
    load(newBytes, isAscii) {
      bytes = newBytes;
      ascii = isAscii;
      text = newBytes.toString('latin1');
    },
    row() {
      failed = false;
      const row = makeRow();
      return failed ? null : row;
    },
    misfit() {
      const index = columns.findIndex((column, i) => {
        failed = false;
        cells[column.type](bounds[i * 2]!, bounds[i * 2 + 1]!);
        return failed;
      });
      const start = bounds[index * 2]!;
      const end = bounds[index * 2 + 1]!;
      return { column: columns[index]!, value: decode(start < 0 ? ~start : start, end < 0 ? ~end : end) };
    },
  };
}

/**
 * One object literal for all rows, so that they share a hidden class and no key is looked up. Names enter only as JSON
 * strings. `"__proto__": x` in a literal would set the prototype; `["__proto__"]: x` makes a plain property.
 */
function compileRow(columns: readonly Column[], cells: Record<ColumnType, Cell>, bounds: Int32Array): () => Row {
  const entries = columns.map(({ name, type }, i) => {
    const key = name === '__proto__' ? '["__proto__"]' : JSON.stringify(name);
    return `${key}: ${type}(bounds[${i * 2}], bounds[${i * 2 + 1}])`;
  });
  const types = Object.keys(cells).join(', ');
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call
  return new Function('cells', 'bounds', `const { ${types} } = cells; return () => ({ ${entries.join(', ')} });`)(
    cells,
    bounds,
  ) as () => Row;
}

const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^([+-]?)(nan|inf|infinity)$/i;

export function parseFloatText(value: string): number | null {
  if (FLOAT.test(value)) return Number(value);
  const special = NOT_FINITE.exec(value);
  if (!special) return null;
  if (special[2]!.toLowerCase() === 'nan') return NaN;
  return special[1] === '-' ? -Infinity : Infinity;
}

function parseBoolText(value: string): boolean | null {
  switch (value.length > 5 ? '' : value.toLowerCase()) {
    case 'true':
    case 't':
    case 'yes':
    case 'y':
    case '1':
      return true;
    case 'false':
    case 'f':
    case 'no':
    case 'n':
    case '0':
      return false;
    default:
      return null;
  }
}

/** Two digits as a number, or NaN. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - ZERO;
  const ones = bytes[at + 1]! - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

/** Whether the ten bytes at `at` are a day of the calendar, `YYYY-MM-DD`. */
export function isDate(bytes: Uint8Array, at: number): boolean {
  if (bytes[at + 4] !== MINUS || bytes[at + 7] !== MINUS) return false;
  const century = pair(bytes, at);
  const yearOfCentury = pair(bytes, at + 2);
  const month = pair(bytes, at + 5);
  const day = pair(bytes, at + 8);
  // NaN compares false, so every comparison below is written to fail on it.
  if (!(century >= 0 && yearOfCentury >= 0 && month >= 1 && month <= 12 && day >= 1)) return false;
  if (!(day <= DAYS[month - 1]!)) return false;
  if (month !== 2 || day < 29) return true;
  return yearOfCentury % 4 === 0 && (yearOfCentury !== 0 || century % 4 === 0);
}

/** Whether `bytes[start, end)` is a date, or a date and a time of day with an optional zone. */
export function isTimestamp(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 10 || !isDate(bytes, start)) return false;
  let i = start + 10;
  if (i === end) return true;
  if ((bytes[i] !== SPACE && bytes[i] !== 84) || end - i < 6) return false;
  if (!(pair(bytes, i + 1) <= 23 && bytes[i + 3] === 58 && pair(bytes, i + 4) <= 59)) return false;
  i += 6;
  if (i < end && bytes[i] === 58) {
    if (end - i < 3 || !(pair(bytes, i + 1) <= 59)) return false;
    i += 3;
    if (i < end && bytes[i] === DOT) {
      const from = ++i;
      while (i < end && bytes[i]! >= ZERO && bytes[i]! <= NINE) i++;
      if (i === from || i - from > 9) return false;
    }
  }
  if (i === end) return true;
  if (bytes[i] === 90) return i + 1 === end;
  if (bytes[i] !== PLUS && bytes[i] !== MINUS) return false;
  if (end - i < 3 || !(pair(bytes, i + 1) <= 15)) return false;
  i += 3;
  if (i === end) return true;
  if (bytes[i] === 58) i++;
  return end - i === 2 && pair(bytes, i) <= 59;
}
