import type { Column } from '../core/records.js';
import type { SinkCompression } from '../core/spec.js';

/** What the SQL engine reads: files in its own scratch folder, or places it was opened for. */
export type SqlTable =
  /** A slice of a CSV file without header. `newline` says that records end in LF alone; else the slice's first line tells. */
  | {
      kind: 'csv';
      path: string;
      columns: Column[];
      delimiter: string;
      quote: string;
      nullValues: string[];
      newline?: 'lf';
    }
  /** `records`: how many it has, where that is known. */
  | { kind: 'ndjson'; path: string; columns: Column[]; records?: number }
  /** Rows `[firstRow, endRow)` of each file; all rows where they are absent. */
  | { kind: 'parquet'; paths: string[]; firstRow?: number; endRow?: number };

export interface SqlColumn {
  name: string;
  /** As the engine names it: BIGINT, VARCHAR, DOUBLE, … */
  type: string;
}

export interface SqlOutput {
  path: string;
  format: 'csv' | 'ndjson' | 'parquet';
  /** CSV only. */
  header?: boolean;
  /** Parquet only; absent: snappy. */
  codec?: SinkCompression;
  /** Parquet only; absent: 122,880. */
  rowGroupRows?: number;
}
