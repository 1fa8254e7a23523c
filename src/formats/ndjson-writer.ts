import type { Row } from '../core/records.js';
import { stringifyJsonExact } from './json-exact.js';

const ROWS_PER_CALL = 500;

/**
 * Rows as NDJSON, each line ended by `\n`; empty for no rows. Bigints become digits, NaN and infinities null, as JSON
 * has no words for them.
 */
export function ndjsonLines(rows: readonly Row[]): string {
  let text = '';
  for (let from = 0; from < rows.length; from += ROWS_PER_CALL) {
    text += linesOf(rows.slice(from, from + ROWS_PER_CALL));
  }
  return text;
}

/**
 * One `JSON.stringify` over many rows is much faster than one each. Its text is cut at `},{`, which stands between any
 * two rows; if it stands anywhere else too (in a text, between nested objects), the count of pieces tells.
 */
function linesOf(rows: readonly Row[]): string {
  let text: string;
  try {
    text = JSON.stringify(rows);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return rows.map((row) => `${stringifyJsonExact(row)}\n`).join('');
  }
  const pieces = text.slice(1, -1).split('},{');
  if (pieces.length === rows.length) return `${pieces.join('}\n{')}\n`;
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** The rows of NDJSON text that we wrote ourselves; anything else is for `ndjsonRangeReader`, which knows bad lines. */
export function parseOwnNdjson(text: string): Row[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Row]));
}
