import type { ProcessorInfo } from '../core/job.js';
import type { RangeInput, SourcePin } from '../core/plan.js';
import type { PartRef, Receipt } from '../core/receipt.js';
import type { Column, Row } from '../core/records.js';
import type { SinkFormat } from '../core/spec.js';

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
  /** The step over all partials. */
  reduce: { input: ReduceInput; output: StagedPart };
  /** Joins part files into Parquet. */
  toParquet: { input: ToParquetInput; output: StagedPart[] };
}

export interface CheckInput {
  use: string;
  with: Record<string, unknown>;
  columns: Column[];
  /** A Parquet file whose own types are more exact than `columns`. */
  parquetPath?: string;
}

export interface SampleInput {
  uri: string;
  pin: SourcePin;
  label: string;
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

export interface ReduceInput {
  job: string;
  /** Local paths of the partials, in source order. */
  partials: string[];
}

export interface ToParquetInput {
  /** Local paths of the parts, in source order, all of one format. */
  parts: string[];
  format: SinkFormat;
  /** One file of all parts, or one file each. */
  single: boolean;
}
