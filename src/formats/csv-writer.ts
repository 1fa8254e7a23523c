import type { Row } from '../core/records.js';
import { stringifyJsonExact } from './json-exact.js';

export interface CsvDialect {
  delimiter: string;
  quote: string;
}

const DEFAULT_DIALECT: CsvDialect = { delimiter: ',', quote: '"' };

/** The header line, `\n` included. */
export function csvHeader(columns: readonly string[], dialect: CsvDialect = DEFAULT_DIALECT): string {
  const text = textCell(dialect);
  return `${columns.map(text).join(dialect.delimiter)}\n`;
}

/**
 * Makes a function that writes rows as CSV lines (RFC 4180, lines ended by `\n`). Null and absent values are empty and
 * unquoted, the empty text is `""`, nested values are JSON text, bigints digits, and what a row holds beyond the columns
 * is left out. In a table of one column a null is a blank line.
 */
export function createCsvWriter(
  columns: readonly string[],
  dialect: CsvDialect = DEFAULT_DIALECT,
): (rows: readonly Row[]) => string {
  const text = textCell(dialect);
  const { delimiter } = dialect;
  const count = columns.length;

  function cell(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return text(value);
      case 'number':
        return numberText(value, text);
      case 'boolean':
        return value ? 'true' : 'false';
      case 'bigint':
        return text(value.toString());
      case 'object':
        return value === null ? '' : text(value instanceof Date ? value.toISOString() : stringifyJsonExact(value));
      default:
        return '';
    }
  }

  return (rows) => {
    let lines = '';
    for (const row of rows) {
      for (let i = 0; i < count; i++) {
        if (i > 0) lines += delimiter;
        lines += cell(row[columns[i]!]);
      }
      lines += '\n';
    }
    return lines;
  };
}

function numberText(value: number, text: (value: string) => string): string {
  if (Number.isFinite(value)) return text(String(value));
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

/** Quotes where a reader would otherwise see something else; a leading byte order mark would be dropped by many. */
function textCell({ delimiter, quote }: CsvDialect): (value: string) => string {
  const special = [delimiter, quote, '\n', '\r'].map((char) => char.replace(/[\\\]^-]/, '\\$&')).join('');
  const needsQuotes = new RegExp(`[${special}]|^$|^\uFEFF`);
  const doubled = quote + quote;
  return (value) =>
    needsQuotes.test(value)
      ? quote + (value.includes(quote) ? value.split(quote).join(doubled) : value) + quote
      : value;
}
