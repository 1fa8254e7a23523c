import type { ColumnType, Row } from './records.js';

/**
 * The canonical job spec: what `src/schema` makes of what a caller wrote, with every default filled in, sizes in bytes,
 * times in milliseconds. Everything behind the border reads this and never asks whether a value is there.
 */
export interface JobSpec {
  name: string;
  source: SourceSpec;
  process: ProcessSpec;
  /** Absent: the result stays in the work area and is served by the API. */
  sink?: SinkSpec;
  options: JobOptions;
}

export type SourceFormat = 'csv' | 'ndjson' | 'json' | 'parquet';
export type TextEncoding = 'latin1' | 'windows-1252' | 'utf-16le' | 'utf-16be';
export type SinkFormat = 'csv' | 'ndjson' | 'parquet';
export type SinkCompression = 'none' | 'gzip' | 'zstd';

/** Exactly one of `uri`, `job`, `items` and `itemsKey` is there. */
export interface SourceSpec {
  /** Paths, URLs or globs; or one table. */
  uri?: string[];
  /** With `uri: [postgres://connection]`: the rows of this query. */
  query?: string;
  /** Of a table or query: the columns by whose values it is split. Absent: the primary key. */
  key?: string[];
  /** A job whose committed result is the source. */
  job?: string;
  /** The records themselves, up to 1 MiB as JSON. */
  items?: Row[];
  /** Work-area key of the records as NDJSON, put there by the API in place of large `items`. */
  itemsKey?: string;
  /** Absent: by the extension of each file. */
  format?: SourceFormat;
  /** Absent: by the first bytes of each file. */
  compression?: 'none' | 'gzip' | 'zstd';
  /** Absent: UTF-8. */
  encoding?: TextEncoding;
  csv: CsvOptions;
  /** `pointer`: where the array of records is (RFC 6901). Absent: the document itself. */
  json?: { pointer: string };
  /** The source is a JSON API that gives its records page by page. */
  pages?: PagesSpec;
  /** Folders name columns: `year=2024/`. */
  partitions?: 'hive';
  /** Whether all files must have the same columns, or may have some each. Absent: CSV and Parquet the same, JSON some each. */
  evolution?: 'strict' | 'union';
  /** JSON Schema that each record must match; others are rejected. */
  schema?: Record<string, unknown>;
  /** Each run of a schedule takes only the files that its earlier successful runs did not. */
  incremental?: true;
}

/**
 * How the page after a page is found: by its `Link` header; by a value in it (a JSON pointer), which goes into a parameter or is
 * a URL; by counting, until a page has no records.
 */
export type PagesSpec =
  { link: true } | { cursor: string; param?: string } | { number: string; first: number; step: number };

export interface CsvOptions {
  /** One byte, not a quote or line end. `auto`, in a spec only: what the plan finds by the first file. */
  delimiter: string;
  /** One byte. `auto`, in a spec only: as with `delimiter`. */
  quote: string;
  header: boolean;
  /** Names of the columns; replaces those of the header where there is one. */
  columns?: string[];
  /** Unquoted fields equal to one of these are null. */
  nullValues: string[];
  /** Declared types; the rest are inferred at plan. */
  types: Record<string, ColumnType>;
}

export interface ProcessSpec {
  /** `sql` or the name of a processor that the workers have. */
  use: string;
  with: Record<string, unknown>;
}

export interface SinkSpec {
  /** A file name: one file. Ending in `/`: a folder of part files. */
  uri: string;
  format: SinkFormat;
  /** Of CSV and NDJSON `gzip`; absent: none. Of Parquet its codec; absent: snappy. */
  compression?: SinkCompression;
  /** Of Parquet: rows of a row group, or up to a batch more. Absent: 122,880. */
  rowGroupRows?: number;
  /** Of a folder: the columns by whose values its parts lie in folders of their own. */
  partitionBy?: string[];
  ifExists: 'error' | 'replace';
  /** Of a `postgres:` table: what its rows are to what is there. */
  table?: TableSpec;
}

export interface TableSpec {
  ifExists: 'error' | 'replace' | 'append';
  /** The key whose rows are replaced. */
  upsert?: string[];
  /** Each range of chunks as soon as it is done. Absent: all rows at once, at commit. */
  visible?: 'perChunk';
}

export interface JobOptions {
  /** `auto`: from size, format and threads. `rows` is exact for Parquet and items, about for text. */
  chunk: 'auto' | { bytes: number } | { rows: number };
  /** Chunk activities open at once over all workers; `auto`: twice the threads that poll, at least 4. */
  concurrency: number | 'auto';
  retry: { attempts: number; firstMs: number; factor: number; maxMs: number; never: string[] };
  timeout: { chunkMs: number; heartbeatMs: number; jobMs: number };
  rejects: { action: 'fail' | 'skip' | 'quarantine'; tolerate: Tolerance };
  /** How long after its end a job's result in the work area, and what a retry would need, are kept. */
  retention: { resultMs: number; workMs: number };
  /** Chunks that may fail for good before the job does. Absent: none. */
  failedChunks?: Tolerance;
  /** For the whole job, over all workers. Absent: no limit. */
  rate?: Rate;
  /** When the job begins, in milliseconds from its start or as RFC 3339. Absent: at once. */
  start?: { delayMs: number } | { at: string };
  /** How long after that it may still begin; later it does nothing and fails. Absent: ever. */
  expiresMs?: number;
  /** http and https URLs that are told how the job ended. */
  notify?: string[];
  /** 1 (first) to 5. */
  priority: number;
  fairness?: { key: string; weight: number };
}

/** How many a second. `null`: no limit. */
export type Rate = { records: number } | { chunks: number } | null;

/** Beyond this many rejected records (or this share of all) the job fails. `null`: no limit. */
export type Tolerance = { count: number } | { share: number } | null;

export const RETENTION_MS = 30 * 86_400_000;
export const MAX_ITEMS_BYTES = 1024 * 1024;
/** A record longer than this is rejected at its first byte, and reading goes on after its first newline. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024;
