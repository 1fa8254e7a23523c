/**
 * JSON with integers beyond 2^53 as bigints, digit for digit. Slower than `JSON`, so callers come here only for text or
 * values that need it. Bigints travel as strings behind a marker that occurs nowhere else in the text.
 */

const MARK = '\uE000';
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONG_INT = /^-?[1-9]\d{15,}$/;

/** Whether parsing the text with `JSON.parse` could lose digits. */
export function mayHoldLongInts(text: string): boolean {
  return /\d{16}/.test(text);
}

/** @throws SyntaxError as `JSON.parse` */
export function parseJsonExact(text: string): unknown {
  const marker = freeMarker(text);
  let found = false;
  const marked = text.replace(TOKEN, (token) => {
    if (!LONG_INT.test(token) || Number.isSafeInteger(Number(token))) return token;
    found = true;
    return `"${marker}${token}"`;
  });
  if (!found) return JSON.parse(text);
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(marker) ? BigInt(value.slice(marker.length)) : value,
  );
}

/** As `JSON.stringify`, with bigints as their digits. */
export function stringifyJsonExact(value: unknown): string {
  const withBigints = (marker: string) =>
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? `${marker}${inner}` : inner));
  const marker = freeMarker(withBigints(''));
  return withBigints(marker).replace(new RegExp(`"${marker}(-?\\d+)"`, 'g'), '$1');
}

function freeMarker(text: string): string {
  let marker = MARK;
  while (text.includes(marker)) marker += MARK;
  return `${marker}int:`;
}
