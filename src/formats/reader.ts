import type { Reject, Row } from '../core/records.js';

/** A run of neighbouring records that were read together. The arrays run in parallel. */
export interface RecordBatch {
  rows: Row[];
  /** Absolute byte offset of each row's record in the file; absent for formats without byte positions. */
  offsets?: number[];
  /** 1-based line of each row's record, counted from the range's first byte. */
  lines?: number[];
  /** 1-based number of each row's record, counted from the range's start, rejected ones included. */
  records: number[];
  /** Records of this stretch that could not be read, with `line` and `record` counted from the range's start. */
  rejects: Reject[];
  /** Bytes of the file consumed so far in the range; for progress. */
  position: number;
  /** The text of row `i` as it stands in the source, cut at `MAX_RAW_CHARS`. To be asked for before the next batch is. */
  raw(i: number): string;
}

/** Where a range really began and ended, once it has been read. Text only: `end` is the first byte that belongs to the next range. */
export interface RangeSpan {
  first: number;
  end: number;
  /** Line ends (outside and inside quotes) in `[first, end)`. */
  lines: number;
}

/**
 * Reads one chunk. `batches` is consumed once; afterwards `span` tells what was covered.
 * A record belongs to the range in which its first byte lies.
 */
export interface RangeReader {
  batches(): AsyncGenerator<RecordBatch>;
  /** Null for formats without byte positions. Valid once `batches` has ended. */
  readonly span: RangeSpan | null;
}

/** A stretch of a text file to be read by record. */
export interface TextRange {
  start: number;
  end: number;
  /** True: a record begins at `start` (first range, or a re-run from the true border). False: the first record start is guessed. */
  exact: boolean;
  /** Names for rejects. */
  label: string;
  chunk: number;
  /** The lines of the range are not those of the file: records have none. */
  lineless?: true;
}
