import { MAX_RAW_CHARS } from '../core/records.js';

/** The text of `bytes[start, end)`, cut at `MAX_RAW_CHARS` without splitting a character. */
export function rawText(bytes: Buffer, start: number, end: number): string {
  return cutText(bytes.toString('utf8', start, Math.min(end, start + MAX_RAW_CHARS * 4)), MAX_RAW_CHARS);
}

/** A value as messages show it: JSON quotes, cut where it is long. */
export function quoted(value: string): string {
  const short = cutText(value, 80);
  return JSON.stringify(short.length < value.length ? `${short}…` : short);
}

function cutText(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const splitsPair = (text.charCodeAt(chars - 1) & 0xfc00) === 0xd800;
  return text.slice(0, splitsPair ? chars - 1 : chars);
}
