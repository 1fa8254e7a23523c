import { MAX_RECORD_BYTES } from '../core/spec.js';
import type { ByteSource } from '../stores/port.js';
import { BlockReader, moreThan } from './block-reader.js';
import { guessRecordStart } from './csv-boundary.js';
import { createCsvScan, CR, LF, NO_FAULT, UNCLOSED_QUOTE } from './csv-scan.js';
import { lineEndAfter } from './lines.js';
import type { TextRange } from './reader.js';

const BLOCK_BYTES = 512 * 1024;
const TAIL_BYTES = 64 * 1024;
const LF_ENDS = 1;
const CRLF_ENDS = 2;
const CR_ENDS = 4;

export interface CopiedRange {
  /** The same as the span that `csvRangeReader` finds for this range. */
  span: { first: number; end: number };
  /**
   * False where a strict reader would refuse the bytes or read them otherwise: mixed line ends (inside quotes too) or
   * lone `\r`, a quote out of place, a record too long or never closed. The copy is then not to be used.
   */
  clean: boolean;
}

/**
 * Copies exactly the records that begin in the range, as they stand. Blocks without quotes and `\r` are only searched
 * for two bytes; the others are scanned for record ends. Field counts and types are left to whoever reads the copy.
 */
export async function copyCsvRange(
  source: ByteSource,
  range: TextRange,
  csv: { delimiter: string; quote: string },
  columnCount: number,
  write: (bytes: Buffer) => Promise<void> | void,
  limits: { maxRecordBytes?: number; blockBytes?: number } = {},
): Promise<CopiedRange> {
  const maxRecordBytes = limits.maxRecordBytes ?? MAX_RECORD_BYTES;
  const blockBytes = limits.blockBytes ?? BLOCK_BYTES;
  const scan = createCsvScan(csv, 0);
  const quote = csv.quote.charCodeAt(0);
  const stop = Math.min(range.end, source.size);
  const guessed = range.exact
    ? range.start
    : await guessRecordStart(source, range.start, csv, columnCount, maxRecordBytes);
  const first = guessed ?? range.end;
  // `write` is done with the bytes before the next are read.
  const blocks = new BlockReader(source);
  let position = first;
  let wanted = blockBytes;
  let lineEnds = 0;
  let clean = true;

  /** How many of the bytes are whole records of the range, and whether the record behind them has no believable end. */
  function recordsIn(bytes: Buffer, last: boolean): { used: number; skip: boolean } {
    const inRange = stop - position;
    if (bytes.length <= maxRecordBytes && bytes.indexOf(quote) < 0 && bytes.indexOf(CR) < 0) {
      const end = inRange <= bytes.length ? bytes.indexOf(LF, inRange - 1) : -1;
      if (end >= 0) return { used: end + 1, skip: false };
      return { used: last ? bytes.length : bytes.lastIndexOf(LF) + 1, skip: false };
    }
    let at = 0;
    while (at < inRange) {
      if (!scan.scan(bytes, at, last)) return { used: at, skip: bytes.length - at > maxRecordBytes + 2 };
      if (scan.fault === UNCLOSED_QUOTE || scan.contentEnd - at > maxRecordBytes) return { used: at, skip: true };
      if (scan.fault !== NO_FAULT) clean = false;
      at = scan.next;
    }
    return { used: at, skip: false };
  }

  while (position < stop) {
    const enough = Math.max(stop - position, wanted - blockBytes) + TAIL_BYTES;
    const bytes = await blocks.read(position, position + Math.min(wanted, enough));
    const { used, skip } = recordsIn(bytes, position + bytes.length >= source.size);
    if (used > 0 && clean) {
      const records = bytes.subarray(0, used);
      lineEnds |= lineEndsOf(records);
      const uniform = lineEnds === 0 || lineEnds === LF_ENDS || lineEnds === CRLF_ENDS;
      // A byte order mark is text here, yet readers drop it from the top of a file.
      const marked = position === first && records[0] === 0xef && records[1] === 0xbb && records[2] === 0xbf;
      clean = uniform && !marked;
      if (clean) await write(records);
    }
    position += used;
    if (skip) {
      clean = false;
      position = (await lineEndAfter(source, position)).next;
    }
    wanted = used === 0 && !skip ? moreThan(bytes.length, blockBytes, maxRecordBytes) : blockBytes;
  }
  blocks.done();
  return { span: { first, end: position }, clean };
}

/** Which kinds of line ends stand in the bytes, inside quotes or not. */
function lineEndsOf(bytes: Buffer): number {
  if (bytes.indexOf(CR) < 0) return bytes.indexOf(LF) < 0 ? 0 : LF_ENDS;
  let kinds = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === LF) kinds |= LF_ENDS;
    else if (byte === CR) {
      if (bytes[i + 1] === LF) {
        kinds |= CRLF_ENDS;
        i++;
      } else kinds |= CR_ENDS;
    }
  }
  return kinds;
}
