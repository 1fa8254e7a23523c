import { isAscii, isUtf8 } from 'node:buffer';
import { MAX_RAW_CHARS, type Column, type Reject } from '../core/records.js';
import { MAX_RECORD_BYTES, type CsvOptions } from '../core/spec.js';
import type { ByteSource } from '../stores/port.js';
import { BlockReader, moreThan } from './block-reader.js';
import { guessRecordStart } from './csv-boundary.js';
import { createRowFactory } from './csv-cells.js';
import { CR, createCsvScan, LF, NO_FAULT, STRAY_QUOTE, UNCLOSED_QUOTE } from './csv-scan.js';
import { lineEndAfter } from './lines.js';
import { quoted, rawText } from './raw-text.js';
import type { RangeReader, RangeSpan, RecordBatch, TextRange } from './reader.js';

export interface ReadLimits {
  /** Longest record in bytes, without its line end. Default 8 MiB. */
  maxRecordBytes?: number;
  /** Bytes per read. Default 512 KiB. */
  blockBytes?: number;
  /** Most records (rows and rejects) of a batch. Default 4096. */
  batchRows?: number;
}

/** Bytes read beyond the range in the hope that its last record ends there. */
export const TAIL_BYTES = 4096;

const BLOCK_USED = 0;
const BATCH_FULL = 1;
const RECORD_SKIPPED = 2;

/**
 * Reads the CSV records that begin in a range as typed rows. Records end at `\n`, `\r\n` or `\r` outside quotes. Blank
 * lines are skipped; in a table of one column whose null values hold the empty text, a blank line is a null.
 *
 * Rejects: `row.column_count`, `row.type`, `row.stray_quote`, `row.quote_unclosed`, `row.too_large`, `row.encoding`.
 * Memory: one block, or one record of the longest allowed length where that is more. A string of 13 characters and
 * more is a slice that keeps its block alive; whoever keeps many of them from many blocks should copy them.
 */
export function csvRangeReader(
  source: ByteSource,
  range: TextRange,
  table: { columns: Column[]; csv: CsvOptions },
  limits: ReadLimits = {},
): RangeReader {
  const { columns, csv } = table;
  const maxRecordBytes = limits.maxRecordBytes ?? MAX_RECORD_BYTES;
  const blockBytes = limits.blockBytes ?? 512 * 1024;
  const batchRows = limits.batchRows ?? 4096;
  const scan = createCsvScan(csv, columns.length);
  const factory = createRowFactory(columns, csv, scan.bounds);
  const skipsBlanks = columns.length !== 1 || !csv.nullValues.includes('');
  const stop = Math.min(range.end, source.size);

  let span: RangeSpan | null = null;
  let line = 1;
  let record = 1;
  // The block: `base` is the file offset of its first byte, `at` the index of the next record.
  let bytes: Buffer = Buffer.alloc(0);
  const blocks = new BlockReader(source);
  let base = 0;
  let at = 0;
  let last = false;
  let valid = true;

  function reject(code: string, message: string, end: number): Reject {
    return {
      source: range.label,
      chunk: range.chunk,
      offset: base + at,
      line,
      record,
      code,
      message,
      raw: rawText(bytes, at, end),
    };
  }

  /** What is wrong with the scanned record before its fields are looked at. */
  function structuralFault(): Reject | null {
    const { contentEnd, fault, faultAt, fields } = scan;
    if (fault === STRAY_QUOTE) {
      const field = `field ${fields}, byte ${base + faultAt}`;
      const message =
        bytes[faultAt] === csv.quote.charCodeAt(0)
          ? `quote inside an unquoted field (${field}), wanted at the field's start only; quote the field and double the quotes inside it`
          : `text after the closing quote (${field}), wanted a delimiter or line end; double the quotes inside a quoted field`;
      return reject('row.stray_quote', message, contentEnd);
    }
    if (fields !== columns.length) {
      const message = `wrong number of fields, wanted ${columns.length}, found ${fields}; mend the row, or quote fields that hold ${quoted(csv.delimiter)}`;
      return reject('row.column_count', message, contentEnd);
    }
    if (!valid && !isUtf8(bytes.subarray(at, contentEnd))) {
      return reject('row.encoding', 'record is not valid UTF-8; convert the file to UTF-8', contentEnd);
    }
    return null;
  }

  function typeFault(): Reject {
    const { column, value } = factory.misfit();
    const key = /^[A-Za-z_][\w-]*$/.test(column.name) ? column.name : JSON.stringify(column.name);
    const message = `column ${JSON.stringify(column.name)}: ${quoted(value)} is no ${column.type}; declare csv.types: { ${key}: string } to keep it as text`;
    return reject('row.type', message, scan.contentEnd);
  }

  /** A record without an end that can be believed: refused up to its first line end, which the caller then looks for. */
  function endlessFault(tooLarge: boolean): Reject {
    let end = at;
    const limit = Math.min(bytes.length, at + Math.min(4 * MAX_RAW_CHARS, maxRecordBytes));
    while (end < limit && bytes[end] !== LF && bytes[end] !== CR) end++;
    if (tooLarge) {
      const message = `record is longer than ${maxRecordBytes} bytes; an unclosed quote or a missing line end is the usual reason`;
      return reject('row.too_large', message, end);
    }
    const message = `quote opened at byte ${base + scan.faultAt} is never closed; close it, or double it if it is part of the text`;
    return reject('row.quote_unclosed', message, end);
  }

  function fill(batch: RecordBatch, ends: number[]): number {
    const { rows, rejects } = batch;
    const offsets = batch.offsets!;
    const lines = batch.lines!;
    const records = batch.records;
    while (base + at < stop) {
      if (rows.length + rejects.length >= batchRows) return BATCH_FULL;
      if (!scan.scan(bytes, at, last)) {
        // Two bytes more than allowed settle whether the line end or the closing quote was just missing.
        if (bytes.length - at <= maxRecordBytes + 2) return BLOCK_USED;
        rejects.push(endlessFault(true));
        record++;
        return RECORD_SKIPPED;
      }
      const contentEnd = scan.contentEnd;
      if (contentEnd - at > maxRecordBytes || scan.fault === UNCLOSED_QUOTE) {
        rejects.push(endlessFault(contentEnd - at > maxRecordBytes));
        record++;
        return RECORD_SKIPPED;
      }
      if (contentEnd !== at || !skipsBlanks) {
        const fault = scan.fault === NO_FAULT && scan.fields === columns.length && valid ? null : structuralFault();
        const row = fault === null ? factory.row() : null;
        if (row !== null) {
          rows.push(row);
          offsets.push(base + at);
          lines.push(line);
          records.push(record);
          ends.push(contentEnd);
        } else rejects.push(fault ?? typeFault());
        record++;
      }
      line += scan.lines;
      at = scan.next;
    }
    return BLOCK_USED;
  }

  function newBatch(ends: number[]): RecordBatch {
    const blockBase = base;
    const offsets: number[] = [];
    return {
      rows: [],
      offsets,
      lines: [],
      records: [],
      rejects: [],
      position: 0,
      raw: (i) => rawText(bytes, offsets[i]! - blockBase, ends[i]!),
    };
  }

  async function load(position: number, wanted: number): Promise<void> {
    const least = Math.max(stop + TAIL_BYTES - position, wanted - blockBytes + TAIL_BYTES);
    base = position;
    bytes = await blocks.read(position, position + Math.min(wanted, least));
    at = 0;
    last = base + bytes.length >= source.size;
    const ascii = isAscii(bytes);
    // A block may be cut inside a character, never inside one of its complete lines.
    const whole = ascii || last ? bytes.length : Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR)) + 1;
    valid = ascii || isUtf8(bytes.subarray(0, whole));
    factory.load(bytes, ascii);
  }

  async function* batches(): AsyncGenerator<RecordBatch> {
    const start = range.exact
      ? range.start
      : await guessRecordStart(source, range.start, csv, columns.length, maxRecordBytes);
    const first = start ?? range.end;
    let position = first;
    let wanted = blockBytes;
    while (position < stop) {
      await load(position, wanted);
      let state = BATCH_FULL;
      while (state === BATCH_FULL) {
        const ends: number[] = [];
        const batch = newBatch(ends);
        state = fill(batch, ends);
        batch.position = base + at - first;
        if (batch.rows.length + batch.rejects.length > 0) yield batch;
      }
      if (state === RECORD_SKIPPED) {
        const lineEnd = await lineEndAfter(source, base + at);
        if (lineEnd.found) line++;
        position = lineEnd.next;
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
