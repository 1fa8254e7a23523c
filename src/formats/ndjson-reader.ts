import { isAscii, isUtf8 } from 'node:buffer';
import type { Column, ColumnType, Reject, Row } from '../core/records.js';
import { messageOf } from '../core/errors.js';
import { MAX_RECORD_BYTES } from '../core/spec.js';
import type { ByteSource } from '../stores/port.js';
import { BlockReader, moreThan } from './block-reader.js';
import { TAIL_BYTES, type ReadLimits } from './csv-reader.js';
import { isDate, isTimestamp } from './csv-cells.js';
import { LF } from './csv-scan.js';
import { mayHoldLongInts, parseJsonExact, stringifyJsonExact } from './json-exact.js';
import { newlineFrom } from './lines.js';
import { quoted, rawText } from './raw-text.js';
import type { RangeReader, RangeSpan, RecordBatch, TextRange } from './reader.js';

const MAX_DEPTH = 100;
const MAX_INT64 = 9223372036854775807n;
const MIN_INT64 = -9223372036854775808n;

/**
 * Reads the NDJSON lines that begin in a range, one object each. Lines end at `\n`; blank ones are skipped. With
 * `columns`, a value that does not fit its column is refused; absent columns and further keys are left as they are.
 * Integers beyond 2^53 are bigints.
 *
 * Rejects: `row.json`, `row.not_an_object`, `row.encoding`, `row.too_deep`, `row.too_large`, `row.type`.
 */
export function ndjsonRangeReader(
  source: ByteSource,
  range: TextRange,
  table: { columns?: Column[] } = {},
  limits: ReadLimits = {},
): RangeReader {
  const maxRecordBytes = limits.maxRecordBytes ?? MAX_RECORD_BYTES;
  const blockBytes = limits.blockBytes ?? 512 * 1024;
  const batchRows = limits.batchRows ?? 4096;
  const stop = Math.min(range.end, source.size);
  const checks = (table.columns ?? []).filter(({ type }) => type !== 'json' && type !== 'string');

  let span: RangeSpan | null = null;
  let line = 1;
  let record = 1;
  const blocks = new BlockReader(source);
  let bytes: Buffer = Buffer.alloc(0);
  let text = '';
  let ascii = true;
  let longInts = false;
  let base = 0;
  let at = 0;
  let last = false;

  let fault: Reject | null = null;

  function refuse(end: number, code: string, message: string): null {
    const raw = rawText(bytes, at, end);
    const { label: source, chunk, lineless } = range;
    const place = { source, chunk, offset: base + at, line: lineless ? null : line, record };
    fault = { ...place, code, message, raw };
    return null;
  }

  /** The row of the line `bytes[at, end)`; null with a `fault` for a bad line, without one for a blank line. */
  function parseLine(end: number): Row | null {
    fault = null;
    if (!ascii && !isUtf8(bytes.subarray(at, end))) {
      return refuse(end, 'row.encoding', 'record is not valid UTF-8; convert the file to UTF-8');
    }
    const json = ascii ? text.slice(at, end) : bytes.toString('utf8', at, end);
    if (json.length > 2 * MAX_DEPTH && isTooDeep(json)) {
      return refuse(end, 'row.too_deep', `values are nested more than ${MAX_DEPTH} deep; flatten the record`);
    }
    let value: unknown;
    try {
      value = longInts && mayHoldLongInts(json) ? parseJsonExact(json) : JSON.parse(json);
    } catch (error) {
      if (json.trim() === '') return null;
      return refuse(end, 'row.json', `line is no JSON: ${messageOf(error)}`);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const found = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
      return refuse(end, 'row.not_an_object', `line is no JSON object, found ${found}; wrap it as {"value": …}`);
    }
    const row = value as Row;
    for (const { name, type } of checks) {
      if (!Object.hasOwn(row, name)) continue;
      const found = row[name];
      if (type === 'float' && typeof found === 'bigint') row[name] = Number(found);
      if (fits(found, type)) continue;
      const shown =
        typeof found === 'string'
          ? quoted(found)
          : typeof found === 'object'
            ? 'a nested value'
            : stringifyJsonExact(found);
      const message = `column ${JSON.stringify(name)}: ${shown} is no ${type}, as the sampled records had it; make the values of the column alike`;
      return refuse(end, 'row.type', message);
    }
    return row;
  }

  function fill(batch: RecordBatch, ends: number[]): 'block used' | 'batch full' | 'record skipped' {
    while (base + at < stop) {
      if (batch.rows.length + batch.rejects.length >= batchRows) return 'batch full';
      const newline = bytes.indexOf(LF, at);
      if (newline < 0 && !last && bytes.length - at <= maxRecordBytes) return 'block used';
      const end = newline < 0 ? bytes.length : newline;
      const tooLarge = end - at > maxRecordBytes;
      const row = tooLarge
        ? refuse(at + maxRecordBytes, 'row.too_large', `record is longer than ${maxRecordBytes} bytes; split it`)
        : parseLine(end);
      if (row !== null) {
        batch.rows.push(row);
        batch.offsets!.push(base + at);
        batch.lines?.push(line);
        batch.records.push(record);
        ends.push(end);
      } else if (fault !== null) batch.rejects.push(fault);
      if (row !== null || fault !== null) record++;
      if (tooLarge && newline < 0) return 'record skipped';
      if (newline >= 0) line++;
      at = newline < 0 ? end : newline + 1;
    }
    return 'block used';
  }

  async function load(position: number, wanted: number): Promise<void> {
    const least = Math.max(stop + TAIL_BYTES - position, wanted - blockBytes + TAIL_BYTES);
    base = position;
    at = 0;
    bytes = await blocks.read(position, position + Math.min(wanted, least));
    last = base + bytes.length >= source.size;
    ascii = isAscii(bytes);
    text = bytes.toString('latin1');
    longInts = mayHoldLongInts(text);
  }

  async function* batches(): AsyncGenerator<RecordBatch> {
    const first = range.exact ? range.start : await firstLineStart(source, range, maxRecordBytes);
    let position = first;
    let wanted = blockBytes;
    while (position < stop) {
      await load(position, wanted);
      let state = 'batch full';
      while (state === 'batch full') {
        const ends: number[] = [];
        const batch = newBatch(bytes, base, ends, range.lineless === true);
        state = fill(batch, ends);
        batch.position = base + at - first;
        if (batch.rows.length + batch.rejects.length > 0) yield batch;
      }
      if (state === 'record skipped') {
        const newline = await newlineFrom(source, base + at, source.size);
        if (newline >= 0) line++;
        position = newline < 0 ? source.size : newline + 1;
        wanted = blockBytes;
      } else {
        wanted = at === 0 ? moreThan(bytes.length, blockBytes, maxRecordBytes) : blockBytes;
        position = base + at;
      }
    }
    span = { first, end: position, lines: line - 1 };
    blocks.done();
  }

  return {
    batches,
    get span() {
      return span;
    },
  };
}

function newBatch(bytes: Buffer, base: number, ends: number[], lineless: boolean): RecordBatch {
  const offsets: number[] = [];
  const raw = (i: number) => rawText(bytes, offsets[i]! - base, ends[i]!);
  return { rows: [], offsets, ...(!lineless && { lines: [] }), records: [], rejects: [], position: 0, raw };
}

function isTooDeep(json: string): boolean {
  // Whatever is opened is closed again, so few closing brackets settle it without a look at every character.
  let closing = 0;
  for (const bracket of [']', '}']) {
    for (let i = json.indexOf(bracket); i >= 0 && closing <= MAX_DEPTH; i = json.indexOf(bracket, i + 1)) closing++;
  }
  if (closing <= MAX_DEPTH) return /^\s*(?:[[{]\s*){101}/.test(json);
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
}

/** Whether a value of JSON is one of the column's; null always is. */
function fits(value: unknown, type: ColumnType): boolean {
  if (value === null) return true;
  switch (type) {
    case 'int':
      return typeof value === 'bigint' ? value <= MAX_INT64 && value >= MIN_INT64 : Number.isInteger(value);
    case 'float':
      return typeof value === 'number' || typeof value === 'bigint';
    case 'bool':
      return typeof value === 'boolean';
    case 'date':
      return typeof value === 'string' && value.length === 10 && isDate(Buffer.from(value), 0);
    case 'timestamp':
      return (
        typeof value === 'string' && value.length <= 40 && isTimestamp(Buffer.from(value), 0, Buffer.byteLength(value))
      );
    case 'string':
    case 'json':
      return true;
  }
}

/** The first line start at or after the range's start; the range's end where there is none within reach. */
async function firstLineStart(source: ByteSource, range: TextRange, maxRecordBytes: number): Promise<number> {
  if (range.start <= 0) return 0;
  const newline = await newlineFrom(source, range.start - 1, Math.min(source.size, range.end + maxRecordBytes));
  if (newline >= 0) return newline + 1;
  return range.end + maxRecordBytes >= source.size ? source.size : range.end;
}
