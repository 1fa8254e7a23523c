import type { Issue } from '../core/errors.js';
import type { ProcessorInfo } from '../core/job.js';
import type { PlanRef, RangeInput, SourcePin } from '../core/plan.js';
import type { PartRef, Receipt } from '../core/receipt.js';
import type { Column, Row } from '../core/records.js';
import type { PagesSpec } from '../core/spec.js';
import type { PageCursor } from '../formats/pages.js';
import type { SqlColumn } from './engine.js';
import type { TableRange } from '../stores/port.js';

/** What a worker thread can be asked to do: input and output of each task, both structured-clonable. */
export interface ThreadTasks {
  /** The processors this worker has. */
  describe: { input: null; output: ProcessorInfo[] };
  /** Checks the processor and its parameters against the columns, before anything runs. */
  check: { input: CheckInput; output: CheckOutput };
  /** The first rows of a Parquet file. */
  sampleParquet: { input: SampleInput; output: Row[] };
  /** Runs a range of chunks. */
  process: { input: ProcessInput; output: ProcessOutput };
  /** Gives some records of a range to its processor, one by one, and keeps nothing: do they end the process? */
  probe: { input: ProbeInput; output: null };
  /** The step over all partials. */
  reduce: { input: ReduceInput; output: StagedPart };
  /** Copies a range of a table into a Parquet file. */
  copyRange: { input: TableRange; output: StagedPart };
  /** Copies pages of an API into a file of NDJSON, as many as make one. */
  copyPages: { input: PagesInput; output: CopiedPages };
  /** The columns that parts of NDJSON have together. */
  columnsOfParts: { input: { parts: string[] }; output: SqlColumn[] };
  /** Makes one Parquet file of parts. */
  toParquet: { input: ToParquetInput; output: StagedPart };
}

/** What crosses to a thread, and back: errors as data, because structured clone strips their fields. */
export interface ThreadCall {
  task: keyof ThreadTasks;
  input: unknown;
  control: SharedArrayBuffer;
}

export type ThreadAnswer =
  | { ok: true; output: unknown }
  | { ok: false; code: string; message: string; issues: Issue[]; retryable: boolean; retryAfterMs?: number };

export interface CheckInput {
  use: string;
  with: Record<string, unknown>;
  columns: Column[];
  /** A Parquet file whose own types are more exact than `columns`. */
  parquet?: SourceRef;
}

/** A file of the source. */
export interface SourceRef {
  uri: string;
  pin: SourcePin;
  label: string;
}

export interface SampleInput extends SourceRef {
  columns: Column[];
  rows: number;
}

export interface CheckOutput {
  /** True when there is a step over all partials. */
  reduces: boolean;
  /** Columns of the result; null where only a run can tell. */
  output: Array<{ name: string; type: string }> | null;
}

export interface ProcessInput extends RangeInput {
  attempt: number;
  /** Only the records that this receipt rejected are run; the new one stands for both. */
  mend?: Receipt;
  /** In a task process: records to be rejected unseen. */
  poison?: Poison[];
  /** Of a range that has a `patienceMs`: when it ends in any case, before the server gives the attempt up. */
  endBy?: number;
  /** Of such a range in a task process: the chunk before which it ends in any case. */
  stopAt?: number;
}

export interface ProbeInput extends ProcessInput {
  unit: RecordUnit;
}

/** Neighbouring records of a range, counted from 0 among those that could be read. */
export interface RecordUnit {
  first: number;
  count: number;
}

export type DeathCode = 'processor.crashed' | 'processor.out_of_memory' | 'processor.stuck';

/** A record that ends the process in which it is processed. */
export interface Poison {
  record: number;
  code: DeathCode;
  message: string;
}

/** How a task process ended that gave no answer. */
export interface Death {
  code: DeathCode;
  /** In words: `exit code 3`, `SIGSEGV`. */
  how: string;
  /** The records that were with the processor; null where none was. */
  unit: RecordUnit | null;
}

export interface ProcessOutput {
  receipt: Receipt;
  /** Private local files, to be published with the receipt. */
  part?: StagedPart;
  rejects?: { path: string; bytes: number };
}

export interface StagedPart extends Omit<PartRef, 'key'> {
  path: string;
}

export interface PagesInput {
  /** As in the spec. */
  uri: string;
  label: string;
  pages: PagesSpec;
  /** Of the array of records within a page. */
  pointer: string;
  /** Absent: from the first page. */
  cursor?: PageCursor;
}

export interface CopiedPages {
  /** A private local file. */
  path: string;
  rows: number;
  /** Where to go on; null after the last page. */
  next: PageCursor | null;
}

export interface ReduceInput {
  job: string;
  /** Local paths of the partials, in source order. */
  partials: string[];
}

export interface ToParquetInput extends PlanRef {
  /** Local paths, in source order. */
  parts: string[];
  /** Of parts of NDJSON; absent: they are Parquet. */
  columns?: SqlColumn[];
}
