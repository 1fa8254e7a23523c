import { parquetScan } from 'hyparquet';
import type { FileMetaData } from 'hyparquet';
import { compressors as unpackers } from 'hyparquet-compressors';
import { MAX_RAW_CHARS } from '../core/records.js';
import type { Column, Row } from '../core/records.js';
import { messageOf } from '../core/errors.js';
import type { ByteSource } from '../stores/port.js';
import { asyncBuffer, corrupt } from './parquet-file.js';
import { setOwn } from './own-field.js';
import type { RangeReader, RecordBatch } from './reader.js';
import { stringifyJsonExact } from './json-exact.js';

const BATCH_ROWS = 2_000;

/**
 * Reads rows `[firstRow, endRow)` of a Parquet file, a row group at a time. Memory: the decoded columns of one row group.
 * @param metadata the file's footer, so that it is not read again for each chunk
 */
export function parquetRangeReader(
  source: ByteSource,
  metadata: FileMetaData,
  range: { firstRow: number; endRow: number; label: string },
  columns: Column[],
): RangeReader {
  return {
    span: null,
    async *batches(): AsyncGenerator<RecordBatch> {
      const file = asyncBuffer(source);
      const names = columns.map((column) => column.name);
      const toRow = rowFactory(names);
      let first = 0;
      let rowStart = range.firstRow;
      for (const group of metadata.row_groups) {
        // Row groups wholly outside of the range are stepped over by their counts alone.
        const rowEnd = first + Number(group.num_rows);
        first = rowEnd;
        if (rowEnd <= rowStart || rowStart >= range.endRow) continue;
        const until = Math.min(rowEnd, range.endRow);
        const data = await readColumns(file, metadata, names, rowStart, until, range.label);
        for (let from = 0; from < until - rowStart; from += BATCH_ROWS) {
          const count = Math.min(BATCH_ROWS, until - rowStart - from);
          const rows = Array.from({ length: count }, (_, i) => toRow(data, from + i));
          const before = rowStart - range.firstRow + from;
          yield {
            rows,
            records: rows.map((_, i) => before + i + 1),
            rejects: [],
            position: before + count,
            raw: (i) => stringifyJsonExact(rows[i]).slice(0, MAX_RAW_CHARS),
          };
        }
        rowStart = until;
      }
    },
  };
}

type Values = ArrayLike<unknown>;

async function readColumns(
  file: ReturnType<typeof asyncBuffer>,
  metadata: FileMetaData,
  names: string[],
  rowStart: number,
  rowEnd: number,
  label: string,
): Promise<Values[]> {
  try {
    const scan = await parquetScan({ file, metadata, columns: names, rowStart, rowEnd, compressors, parsers });
    return await Promise.all(names.map((column) => scan.readColumn({ column, rowStart, rowEnd })));
  } catch (error) {
    throw corrupt(label, messageOf(error), error);
  }
}

/** A page without values may have no bytes at all, which is no snappy. */
const compressors: typeof unpackers = {
  ...unpackers,
  SNAPPY: (input, length) => (length === 0 ? new Uint8Array(0) : unpackers.SNAPPY!(input, length)),
};

/** Dates as the SQL engine writes them, so that both kinds of processor see the same text. */
const parsers = {
  timestampFromMilliseconds: (millis: bigint) => timestampText(millis * 1000n),
  timestampFromMicroseconds: timestampText,
  timestampFromNanoseconds: (nanos: bigint) => timestampText(nanos / 1000n),
  dateFromDays(days: number) {
    const { date, era } = momentText(days * 86_400_000);
    return date + era;
  },
  stringFromBytes: (bytes: Uint8Array) => bytes && textOf(bytes),
};

function timestampText(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const { date, time, era } = momentText(Number((micros - fraction) / 1000n));
  const digits = fraction === 0n ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
  return `${date}${era} ${time}${digits}`;
}

/** Years have four digits or more; before the year 1 they are counted backwards. */
function momentText(ms: number): { date: string; era: string; time: string } {
  const [, year, day, time] = /^([+-]?\d+)(-\d\d-\d\d)T(\d\d:\d\d:\d\d)/.exec(new Date(ms).toISOString())!;
  const number = Number(year);
  const isBefore = number <= 0;
  const shown = String(isBefore ? 1 - number : number).padStart(4, '0');
  return { date: `${shown}${day}`, era: isBefore ? ' (BC)' : '', time: time! };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Files of old writers do not say which bytes are text: what can be read as text is. */
function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return bytesText(bytes);
  }
}

/** As the SQL engine shows bytes: those of plain signs as they are, others as `\\xFF`. */
function bytesText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x22 && byte !== 0x27 && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

function rowFactory(names: string[]): (data: Values[], i: number) => Row {
  return (data, i) => {
    const row: Row = {};
    for (let c = 0; c < names.length; c++) setOwn(row, names[c]!, plain(data[c]![i]));
    return row;
  };
}

function plain(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint' && value >= -MAX_SAFE && value <= MAX_SAFE) return Number(value);
  if (value instanceof Uint8Array) return bytesText(value);
  return value;
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
