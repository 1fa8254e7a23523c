const MARK = '\uE000';
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONG_INT = /^-?[1-9]\d{15,}$/;

/** Whether parsing the text with `JSON.parse` could lose digits. */
export function mayHoldLongInts(text: string): boolean {
  return /\d{16}/.test(text);
}

/**
 * As `JSON.parse`, with integers beyond 2^53 as bigints, digit for digit. They travel through it as strings behind a
 * marker that occurs nowhere else in the text.
 * @throws SyntaxError as `JSON.parse`
 */
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

/** Longer than all marks of the text together, escaped ones included, so that no string of it can begin with it. */
function freeMarker(text: string): string {
  const marks = text.match(/\uE000|\\ue000/gi)?.length ?? 0;
  return `${MARK.repeat(marks + 1)}int:`;
}

/** As `JSON.stringify`, with bigints as their digits. */
export function stringifyJsonExact(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return withDigits(value);
  }
}

function withDigits(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || value instanceof Date) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(withDigits).join(',')}]`;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined && typeof inner !== 'function');
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${withDigits(inner)}`).join(',')}}`;
}
