import type { Row } from '../core/records.js';
import { ndjsonLines } from './ndjson-writer.js';

type Write = (row: Row, bytes: Buffer, at: number) => number;

interface Shape {
  keys: string[];
  /** Bytes of a row but for its strings. */
  room: number;
  /** Returns where the row ends, or -1 where it holds a value that is no string, number, boolean or null. */
  write: Write;
}

const QUOTE = 34;
const BACKSLASH = 92;
const MINUS = 45;
const ZERO = 48;
const POINT = 46;
const MIN_INT32 = -2147483648;
const FIRST_BYTES = 1024 * 1024;
/** A number is at most 25 characters; a string needs six bytes for a character, if each is escaped. */
const SCALAR_BYTES = 25;
const CHAR_BYTES = 6;

/**
 * Writes rows as `ndjsonLines` does, straight to bytes: by a function made for the shape of the first row, half as long
 * again as fast. Rows of another shape or with nested values go the general way. The bytes are valid until the next call.
 */
export function createNdjsonBytes(): (rows: readonly Row[]) => Buffer {
  let bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let shape: Shape | null = null;
  let at = 0;

  function reserve(more: number): void {
    if (at + more <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + more));
    bytes.copy(larger, 0, 0, at);
    bytes = larger;
  }

  return (rows) => {
    at = 0;
    for (const row of rows) {
      shape ??= compile(row);
      if (hasShape(row, shape)) {
        let room = shape.room;
        for (const key of shape.keys) {
          const value = row[key];
          if (typeof value === 'string') room += value.length * CHAR_BYTES;
        }
        reserve(room);
        const end = shape.write(row, bytes, at);
        if (end >= 0) {
          at = end;
          continue;
        }
      }
      const line = ndjsonLines([row]);
      reserve(line.length * 3);
      at += bytes.write(line, at, 'utf8');
    }
    return bytes.subarray(0, at);
  };
}

function hasShape(row: Row, { keys }: Shape): boolean {
  let i = 0;
  for (const key in row) if (keys[i++] !== key) return false;
  return i === keys.length && Object.getPrototypeOf(row) === Object.prototype;
}

/** Names enter the code only as JSON strings and as the bytes of such. */
function compile(row: Row): Shape {
  const keys = Object.keys(row);
  const prefixes = keys.map((key, i) => Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(key)}:`));
  const literal = (data: Buffer) =>
    [...data].map((byte, i) => `b[p + ${i}] = ${byte};`).join(' ') + ` p += ${data.length};`;
  const word = (text: string) => literal(Buffer.from(text));
  const fields = keys.map(
    (key, i) => `${literal(prefixes[i]!)}
      v = row[${JSON.stringify(key)}];
      if (typeof v === 'string') p = string(v, b, p);
      else if (typeof v === 'number') p = number(v, b, p);
      else if (v === null) { ${word('null')} }
      else if (v === true) { ${word('true')} }
      else if (v === false) { ${word('false')} }
      else return -1;`,
  );
  const code = `return (row, b, p) => { let v; ${fields.join('\n')} ${word(keys.length === 0 ? '{}\n' : '}\n')} return p; };`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call
  const write = new Function('string', 'number', code)(writeString, writeNumber) as Write;
  const room = prefixes.reduce((sum, prefix) => sum + prefix.length + SCALAR_BYTES, 3);
  return { keys, room, write };
}

function writeString(value: string, bytes: Buffer, start: number): number {
  let at = start;
  bytes[at++] = QUOTE;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 32 || code > 126 || code === QUOTE || code === BACKSLASH)
      return start + bytes.write(JSON.stringify(value), start, 'utf8');
    bytes[at++] = code;
  }
  bytes[at++] = QUOTE;
  return at;
}

function writeNumber(value: number, bytes: Buffer, start: number): number {
  if ((value | 0) === value && value !== MIN_INT32) return writeInt(value, bytes, start);
  const hundredths = Math.round(value * 100);
  // At most 15 digits name one double only, so a quotient that comes back exactly has the digits that String would give.
  if ((hundredths | 0) === hundredths && hundredths !== MIN_INT32 && hundredths / 100 === value)
    return writeHundredths(hundredths, bytes, start);
  let at = start;
  const text = Number.isFinite(value) ? String(value) : 'null';
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

/** A number with one or two decimals, half as long again as fast as by way of its text. */
function writeHundredths(hundredths: number, bytes: Buffer, start: number): number {
  let at = start;
  let rest = hundredths;
  if (rest < 0) {
    bytes[at++] = MINUS;
    rest = -rest;
  }
  const whole = (rest / 100) | 0;
  const tenths = ((rest - whole * 100) / 10) | 0;
  const last = rest - whole * 100 - tenths * 10;
  at = writeInt(whole, bytes, at);
  bytes[at++] = POINT;
  bytes[at++] = ZERO + tenths;
  if (last !== 0) bytes[at++] = ZERO + last;
  return at;
}

function writeInt(value: number, bytes: Buffer, start: number): number {
  let at = start;
  let rest = value;
  if (rest < 0) {
    bytes[at++] = MINUS;
    rest = -rest;
  }
  let digits = 1;
  for (let limit = 10; digits < 10 && rest >= limit; limit *= 10) digits++;
  const end = at + digits;
  for (let i = end - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    bytes[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}
