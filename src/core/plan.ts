import type { Column, Row } from './records.js';
import type { JobSpec, SourceFormat, TextEncoding } from './spec.js';

/**
 * The plan is a value: made once by inspect, stored in the work area, the same for every attempt of the job. A chunk is
 * computed from it by arithmetic, so no list of chunks travels through a history.
 */
export interface Plan {
  version: 1;
  job: string;
  specDigest: string;
  spec: JobSpec;
  format: SourceFormat | 'items';
  columns: Column[];
  /** Files have columns of their own, each some of these, or some that their folders name. */
  union?: true;
  files: SourceFile[];
  /** Present for items below `INLINE_ITEMS_BYTES`; larger ones lie in the work area. */
  items?: Row[];
  /** The schedule whose runs take each file once; absent: the source is not incremental. */
  increment?: string;
  itemCount: number;
  /** Text: bytes of a chunk; a file with n bytes of records has ceil(n / chunkBytes) of them, at least one. */
  chunkBytes: number;
  /** Items: records of a chunk. */
  chunkRows: number;
  chunkCount: number;
  /** How many neighbouring chunks one activity is given. */
  chunksPerActivity: number;
  bytes: number;
  /** Exact for Parquet and items, estimated from samples for text. */
  records: number;
  recordsExact: boolean;
  /** True when the processor has a step over all partials. */
  reduces: boolean;
  /** Activities that may be open at once. */
  concurrency: number;
}

export interface SourceFile {
  /** Absolute path or URL, as stores open it. */
  uri: string;
  /** As the caller would recognise it; used in rejects and summaries. */
  label: string;
  size: number;
  pin: SourcePin;
  /** Index of the file's first chunk in the plan. */
  firstChunk: number;
  chunkCount: number;
  /** Text: bytes before the first record (byte order mark and header); of a packed file those of its text. */
  dataStart: number;
  /** Lines before `dataStart`. */
  headLines: number;
  /** How its text is packed. Absent: not at all. */
  packing?: Packing;
  /** The names of its own columns, in its own order, where these are not those of the plan. */
  columns?: string[];
  /** Columns that its folder names, and no record has: their values. */
  constants?: Row;
  /** Parquet: the first row of each chunk and, last, the number of rows; length = chunkCount + 1. */
  rowBorders?: number[];
}

/** What stands between the bytes of a file and its text, in the order in which it is undone. */
export interface Packing {
  compression?: 'gzip' | 'zstd';
  encoding?: TextEncoding;
  /** The records are the elements of the array there. */
  json?: { pointer: string };
  /** Where its text can be entered. Absent: at its beginning only. */
  frames?: Frames;
}

/** Bytes before each group of frames that is unpacked alone, and last of the whole file: as they lie there, and of their text. */
export interface Frames {
  packed: number[];
  text: number[];
}

/** Whether a file can only be read from its beginning. */
export function isOneChunk({ packing }: Pick<SourceFile, 'packing'>): boolean {
  return packing !== undefined && !packing.frames;
}

/** Bytes of that in which the places of its records are counted: of the file itself, or of the text that it unpacks to. */
export function textBytes({ size, packing }: Pick<SourceFile, 'size' | 'packing'>): number {
  return packing?.frames?.text.at(-1) ?? size;
}

/** What makes a source the same source; compared before each chunk is read. */
export type SourcePin = FilePin | WebPin;

export interface FilePin {
  size: number;
  mtimeMs: number;
  inode: number;
}

/** Of a file on a web server: what it said of the version. */
export interface WebPin {
  /** 0 where the server did not say. */
  size: number;
  etag: string | null;
  /** `Last-Modified`, as it came. */
  modified: string | null;
  /** The server gives no ranges: the file can only be read from its beginning. */
  streamed?: true;
}

/** Whether two looks saw the same version. A pin that lay in a plan has lost what was undefined. */
export function samePin(a: SourcePin, b: SourcePin): boolean {
  const [left, right] = [a, b].map((pin) => Object.entries(pin).filter(([, value]) => value !== undefined));
  const known = new Map(left);
  return left!.length === right!.length && right!.every(([name, value]) => known.get(name) === value);
}

/** A reference to a piece of the source; never the data. */
export type Chunk =
  | { kind: 'bytes'; index: number; file: number; start: number; end: number }
  | { kind: 'rows'; index: number; file: number; firstRow: number; endRow: number }
  | { kind: 'items'; index: number; from: number; to: number };

/** The part of the plan that a workflow needs; goes into histories, so it stays small. */
export interface PlanSummary {
  /** The plan itself where it is small and has one chunk, so that a small job touches no disk before its commit. */
  inline?: Plan;
  name: string;
  processor: string;
  sourceLabel: string;
  chunkCount: number;
  chunksPerActivity: number;
  bytes: number;
  records: number;
  concurrency: number;
  reduces: boolean;
  /** True where neighbouring byte ranges have to be checked to join. */
  stitches: boolean;
  options: JobSpec['options'];
  warnings: string[];
  /** Present where each range goes to its table when it is done. */
  loads?: true;
  /** Present where a range may end before its last chunk: see `endsAnywhere`. */
  endsAnywhere?: true;
  /** Present where the run takes up what former runs of the job left. */
  retry?: Retry;
}

/** That a run takes up a job that had ended. */
export interface Retry {
  /** 1 and up; it becomes the `generation` of the manifest. */
  run: number;
  /** Work-area prefix of corrected rejects, see `keys.correction`. Records that are not there stay rejected. */
  corrections?: string;
}

/** Where a plan is found: beside the reference (small jobs), or in the work area under the job. */
export interface PlanRef {
  job: string;
  inline?: Plan;
}

/** A run of neighbouring chunks that one activity takes. */
export interface RangeInput extends PlanRef {
  from: number;
  to: number;
  /** After so long it ends with the chunk that is at work, and leaves the others to the next activity. Absent: with `to`. */
  patienceMs?: number;
  /** As in the receipt of a range that is run again: its end is settled. */
  asked?: number;
  /** The true first byte, when a former run guessed it wrong. */
  start?: number;
  /** 0, and one more each time the range is run again from another start. */
  generation: number;
  /** The run is a retry: a receipt that is there decides what of the range is run again, and as which generation. */
  retry?: Retry;
  /** Records a second that the processor may be given. */
  recordsPerSecond?: number;
  /** What it gives goes to the table of the sink at once. */
  loads?: true;
}

/** The index of the file that holds chunk `index`: the last one whose first chunk is not behind it. */
export function fileOfChunk(files: readonly SourceFile[], index: number): number {
  let low = 0;
  let high = files.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (files[middle]!.firstChunk <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Chunk number `index` of the plan. Text ranges are raw: their true borders are found when they are read. */
/** The columns that a file has itself, of the types that the plan has settled for all files. */
export function columnsOfFile({ columns }: Pick<Plan, 'columns'>, { columns: own }: SourceFile): Column[] {
  if (!own) return columns;
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  return own.map((name) => ({ name, type: types.get(name)! }));
}

/** Whether each record has to pass our own readers, also where the SQL engine could read the file itself. */
export function readsEachRecord({ union, spec }: Pick<Plan, 'union' | 'spec'>): boolean {
  return union === true || spec.source.schema !== undefined;
}

/** Whether records have all columns of the plan, so that one without a value has a null in its place. */
export function hasColumns({ format }: Pick<Plan, 'format'>): boolean {
  return format === 'csv' || format === 'parquet';
}

export function chunkAt(plan: Plan, index: number): Chunk {
  if (index < 0 || index >= plan.chunkCount) throw new RangeError(`chunk ${index} of ${plan.chunkCount}`);
  if (plan.format === 'items') {
    const from = index * plan.chunkRows;
    return { kind: 'items', index, from, to: Math.min(from + plan.chunkRows, plan.itemCount) };
  }
  const file = fileOfChunk(plan.files, index);
  const source = plan.files[file]!;
  const nth = index - source.firstChunk;
  if (source.rowBorders) {
    return { kind: 'rows', index, file, firstRow: source.rowBorders[nth]!, endRow: source.rowBorders[nth + 1]! };
  }
  // How long the text of a packed file is turns out when it is read.
  if (isOneChunk(source)) return { kind: 'bytes', index, file, start: source.dataStart, end: Number.MAX_SAFE_INTEGER };
  const start = source.dataStart + nth * plan.chunkBytes;
  const end = nth === source.chunkCount - 1 ? textBytes(source) : start + plan.chunkBytes;
  return { kind: 'bytes', index, file, start, end };
}
