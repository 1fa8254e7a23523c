import type { ByteSource } from '../stores/port.js';
import { BlockReader } from './block-reader.js';
import { createCsvScan, CR, LF, STRAY_QUOTE, UNCLOSED_QUOTE, type CsvScan } from './csv-scan.js';

const FIRST_LOOK = 64 * 1024;
const LONGEST_LOOK = 1024 * 1024;

/**
 * Guesses the first record start at or after `start`, which lies anywhere in the file. Both answers to "is `start`
 * inside quotes?" are tried on the bytes that follow; the one that breaks fewer rules wins, a tie goes to "outside".
 * A wrong guess shows when the ranges do not join, so it costs a second reading and never a row.
 * @returns the size of the source where no record starts any more; null where none is found within the longest record
 */
export async function guessRecordStart(
  source: ByteSource,
  start: number,
  dialect: { delimiter: string; quote: string },
  columnCount: number,
  maxRecordBytes: number,
): Promise<number | null> {
  if (start <= 0) return 0;
  if (start >= source.size) return source.size;
  const scan = createCsvScan(dialect, 0);
  const quote = dialect.quote.charCodeAt(0);
  const delimiter = dialect.delimiter.charCodeAt(0);
  const from = Math.max(0, start - 2);
  const longest = maxRecordBytes + LONGEST_LOOK + 1;
  const blocks = new BlockReader(source);
  try {
    for (let look = FIRST_LOOK; ; look = Math.min(4 * look, longest)) {
      const bytes = await blocks.read(from, start + look);
      const last = from + bytes.length >= source.size;
      const at = start - 1 - from;
      const before = at > 0 ? bytes[at - 1] : LF;
      const midField = before !== delimiter && before !== LF && before !== CR;
      const outside = tryFrom(
        scan,
        bytes,
        at,
        last,
        columnCount,
        midField && bytes[at] === quote ? 'stray' : 'outside',
      );
      if (outside.first >= 0 && (outside.bad === 0 || bytes.indexOf(quote) < 0)) return from + outside.first;
      const inside = tryFrom(scan, bytes, at, last, columnCount, 'inside');
      if (inside.first >= 0 && (outside.first < 0 || inside.bad < outside.bad)) return from + inside.first;
      if (outside.first >= 0 && (inside.bad > outside.bad || look >= LONGEST_LOOK || last)) return from + outside.first;
      if (last) return source.size;
      if (look >= longest) return null;
    }
  } finally {
    blocks.done();
  }
}

/** Reads on from `at` under one hypothesis: where the first record starts (-1: not in these bytes) and what breaks the rules. */
function tryFrom(
  scan: CsvScan,
  bytes: Buffer,
  at: number,
  last: boolean,
  columnCount: number,
  hypothesis: 'outside' | 'inside' | 'stray',
): { first: number; bad: number } {
  let bad = 0;
  let position = at;
  if (hypothesis === 'stray') {
    bad = 1;
    position++;
    while (position < bytes.length && bytes[position] !== LF && bytes[position] !== CR) position++;
  }
  if (position >= bytes.length) return { first: -1, bad };
  if (!scan.scan(bytes, position, last, hypothesis === 'inside')) return { first: -1, bad };
  if (scan.fault === UNCLOSED_QUOTE) return { first: -1, bad: bad + 1 };
  if (scan.fault === STRAY_QUOTE) bad++;
  const first = scan.next;
  position = first;
  while (position < bytes.length && scan.scan(bytes, position, last)) {
    const blank = scan.contentEnd === position;
    if (scan.fault !== 0 || (!blank && scan.fields !== columnCount)) bad++;
    position = scan.next;
  }
  return { first, bad };
}
