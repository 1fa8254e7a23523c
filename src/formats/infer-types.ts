import { MillraceError } from '../core/errors.js';
import type { Column, ColumnType } from '../core/records.js';
import { isDate, isTimestamp, parseFloatText } from './csv-cells.js';

const INT = /^-?(?:0|[1-9]\d*)$/;
const PADDED_NUMBER = /^[+-]?0\d/;
const MAX_INT64 = 9223372036854775807n;
const MIN_INT64 = -9223372036854775808n;

/**
 * The type that a text has by its looks. Numbers with leading zeros or a plus (zip codes, telephone numbers) and
 * integers beyond 64 bits are strings, so that no digit is lost; `not finite` is a float if the column has floats.
 */
export function typeOfText(text: string): ColumnType | 'not finite' {
  const value = text.trim();
  if (INT.test(value)) {
    if (value.length < 18) return 'int';
    const exact = BigInt(value);
    return exact <= MAX_INT64 && exact >= MIN_INT64 ? 'int' : 'string';
  }
  if (/^(?:true|false)$/i.test(text)) return 'bool';
  const bytes = Buffer.from(value.slice(0, 64));
  if (bytes.length === 10 && isDate(bytes, 0)) return 'date';
  if (value.length <= 40 && isTimestamp(bytes, 0, bytes.length)) return 'timestamp';
  if (value === '' || value.startsWith('+') || PADDED_NUMBER.test(value)) return 'string';
  const number = parseFloatText(value);
  if (number === null) return 'string';
  return Number.isFinite(number) || /\d/.test(value) ? 'float' : 'not finite';
}

/** The one type that holds all of them: the wider of two numbers or two times, else string. */
export function commonType(types: ReadonlySet<ColumnType | 'not finite'>): ColumnType {
  const only = (...allowed: string[]) => [...types].every((type) => allowed.includes(type));
  if (types.size === 0 || types.has('string')) return 'string';
  if (types.has('json')) return types.size === 1 ? 'json' : 'string';
  if (only('int')) return 'int';
  if (only('bool')) return 'bool';
  if (only('date')) return 'date';
  if (only('date', 'timestamp')) return 'timestamp';
  if (only('int', 'float', 'not finite') && !only('not finite')) return 'float';
  return 'string';
}

/**
 * Settles the columns' types from sampled records, one array of texts (null for a null value) each. Declared types win;
 * a column without values is a string.
 * @throws MillraceError `spec.invalid` where a declared column is not there
 */
export function inferColumns(
  names: readonly string[],
  samples: readonly (readonly (string | null)[])[],
  declared: Record<string, ColumnType>,
): Column[] {
  const issues = Object.keys(declared)
    .filter((name) => !names.includes(name))
    .map((name) => ({
      path: `/source/csv/types/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      message: `no column ${JSON.stringify(name)}, found ${names.map((known) => JSON.stringify(known)).join(', ')}${delimiterHint(names)}`,
    }));
  if (issues.length > 0) {
    throw new MillraceError('spec.invalid', `csv.types names an unknown column: ${issues[0]!.message}`, { issues });
  }
  return names.map((name, i) => {
    if (Object.hasOwn(declared, name)) return { name, type: declared[name]! };
    const seen = new Set<ColumnType | 'not finite'>();
    for (const sample of samples) {
      const value = sample[i];
      if (value !== null && value !== undefined) seen.add(typeOfText(value));
      if (seen.has('string')) break;
    }
    return { name, type: commonType(seen) };
  });
}

/** A header that is one name with a usual delimiter in it was most likely split by another one. */
function delimiterHint(names: readonly string[]): string {
  const [only] = names;
  const found = names.length === 1 ? [';', '\t', '|'].find((delimiter) => only!.includes(delimiter)) : undefined;
  return found === undefined ? '' : `; set csv.delimiter: ${JSON.stringify(found)}`;
}
