/** What flows through a job: records, their columns, their fates. Pure types and arithmetic. */

/**
 * The types a column can have. Values in a row: `int` number (bigint beyond 2^53), `float` number, `bool` boolean,
 * `date` and `timestamp` their ISO text, `string` string, `json` any nested value (Parquet and NDJSON only).
 */
export type ColumnType = 'int' | 'float' | 'bool' | 'date' | 'timestamp' | 'string' | 'json';

export interface Column {
  name: string;
  type: ColumnType;
}

export type Row = Record<string, unknown>;

/** Fates of the input records: `in = used + filtered + rejected`. `out` is counted apart, as one record may give many or none. */
export interface Counts {
  in: number;
  used: number;
  filtered: number;
  rejected: number;
  out: number;
}

export const NO_COUNTS: Readonly<Counts> = { in: 0, used: 0, filtered: 0, rejected: 0, out: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    in: a.in + b.in,
    used: a.used + b.used,
    filtered: a.filtered + b.filtered,
    rejected: a.rejected + b.rejected,
    out: a.out + b.out,
  };
}

/** Why one record was refused, and where it stands. One line of `rejects.ndjson`. */
export interface Reject {
  /** The file as the plan names it, or `items`. */
  source: string;
  chunk: number;
  /** First byte of the record in the file; null where the format has no byte positions (Parquet, items). */
  offset: number | null;
  /** 1-based. Counted within the range while it is processed, from the top of the file once committed. */
  line: number | null;
  /** 1-based number of the record; counted like `line`. */
  record: number | null;
  code: string;
  message: string;
  /** The record as it stood in the source, cut at `MAX_RAW_CHARS`. */
  raw: string;
}

export const MAX_RAW_CHARS = 4096;
