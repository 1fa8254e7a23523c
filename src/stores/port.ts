import type { Notice } from '../core/notice.js';
import type { SourcePin } from '../core/plan.js';
import type { Column, Row } from '../core/records.js';

/** Where bytes lie. Two ports: bytes to read (a length and a ranged read) and an area to write in (private, then published once). */

/** Random access to the bytes of one object. */
export interface ByteSource {
  readonly size: number;
  /**
   * Bytes `[start, end)`; `end` is cut at `size`. The result is the caller's own.
   * @param into may be filled instead of a new buffer, where the bytes fit: a fresh buffer for each block costs as much as reading it
   */
  read(start: number, end: number, into?: Buffer): Promise<Buffer>;
  /** All bytes from the beginning; there where they cannot be read range by range. */
  stream?(): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** A version of an object that is open, and what tells it from others. */
export interface PinnedSource extends ByteSource {
  readonly pin: SourcePin;
}

/** What lies in the work area is named so in a plan, where it is the source of another job. */
export const WORK_SCHEME = 'work:';

export interface FoundObject {
  /** Absolute, canonical; what `open` takes. */
  uri: string;
  /** As the caller wrote it, or relative to the current folder. */
  label: string;
  pin: SourcePin;
  /** Of a part of a partitioned result: its folder, see `partitionPath`. */
  partition?: string;
}

/** Where job sources lie and results go. Every path is checked against the configured roots. */
export interface SourceStore {
  /**
   * The objects that a path, glob, `file:`, `http(s):` or `s3:` URL names, sorted by label.
   * @throws MillraceError `source.not_found`, `path.outside_root`, `source.not_a_file`, `source.scheme`, `s3.*`
   */
  find(uri: string): Promise<FoundObject[]>;
  /**
   * @param until the byte up to which it will be read in order: of what lies behind it nothing is asked for before it is wanted.
   * Default: its end
   * @throws MillraceError `source.changed` where the object is not the pinned one, `source.not_found`
   */
  open(uri: string, pin?: SourcePin, until?: number): Promise<ByteSource>;
  /** A path by which a library that reads files itself can read it; null where it lies on no disk of this machine. */
  localPath(uri: string): Promise<string | null>;
  /** What `postgres:` names. Absent: nothing. */
  readonly tables?: Tables;
  /**
   * One page of a web API. Absent: there is no web.
   * @throws MillraceError `source.page_too_large`, `source.unreachable` (retryable), `source.denied`, `source.address_blocked`
   */
  page?(url: string, signal?: AbortSignal): Promise<Page>;
}

/** An answer of a web API. */
export interface Page {
  url: string;
  body: Buffer;
  /** Its `Link` header. */
  link: string | null;
}

/** A table or a query of a database. */
export interface TableRef {
  /** `postgres://connection/schema.table`; with a query `postgres://connection`. */
  uri: string;
  query?: string;
  /** Columns by whose values it is split. Absent: the primary key of a table. */
  key?: string[];
}

export interface TableColumn extends Column {
  /** The type that its Parquet file gives it. */
  stored: string;
}

export interface TableShape {
  label: string;
  columns: TableColumn[];
  /** Both as the server estimates them. */
  records: number;
  bytes: number;
  key: string[];
  /** `blocks`: by where the rows lie, for there is no key. */
  split: 'key' | 'blocks' | 'none';
  ranges: number;
  warnings: string[];
}

/** A part of a source as it was at one moment. Structured-clonable. */
export interface TableRange {
  ref: TableRef;
  /** The moment; good for as long as its holder lives. */
  snapshot: string;
  query: string;
  columns: TableColumn[];
}

/** A result on its way into a table. */
export interface TableLoad {
  uri: string;
  job: string;
  generation: number;
  /** Of the whole result, by the type that the SQL engine gave them; a table that is not there gets them. */
  columns: Array<{ name: string; type: string }>;
  ifExists: 'error' | 'replace' | 'append';
  /** The key whose rows are replaced; the others stay. */
  upsert?: string[];
  pieces: AsyncIterable<TablePiece>;
  signal: AbortSignal;
}

/** CSV without a header. */
export interface TablePiece {
  columns: string[];
  records: number;
  blocks: AsyncIterable<Buffer>;
}

/** A range of a result on its way into a table, where it is visible before the others. */
export interface RangeLoad extends Omit<TableLoad, 'pieces' | 'ifExists'> {
  ifExists: 'error' | 'append';
  /** Its chunks, `to` not among them. */
  from: number;
  to: number;
  /** First chunk of the range as it was planned, which the halves of one that failed have in common. */
  planned: number;
  /** In order: the first what its records gave, the others what a retry took of those that were rejected. */
  pieces: Array<TablePiece & { digest: string }>;
  /** Text whose begin was guessed waits until a range that ends there is in the table. */
  follows?: TextPlace;
  /** Where its text ends. */
  ends?: TextPlace;
}

/** A place in the text of a source: which file, and the byte. */
export interface TextPlace {
  file: number;
  at: number;
}

/** That all ranges of a job are in its table. */
export interface RangesEnd extends Pick<TableLoad, 'uri' | 'job' | 'generation' | 'columns' | 'upsert' | 'signal'> {
  /** Of the whole result. */
  rows: number;
  /** No retry will come: what is known of single ranges may go. */
  last: boolean;
}

/** Tables of databases. */
export interface Tables {
  /**
   * What a source is like, with as many of its first rows as are asked for.
   * @throws MillraceError `connection.unknown`, `postgres.*`, `source.*`
   */
  look(ref: TableRef, sampled?: number): Promise<TableShape & { sample: Row[] }>;
  /**
   * Holds one moment while `use` runs. `lost` is aborted where the server lets go of it.
   * @throws MillraceError as `look`; `source.snapshot_lost` (retryable)
   */
  underSnapshot<T>(
    ref: TableRef,
    use: (held: { shape: TableShape; ranges: TableRange[]; lost: AbortSignal }) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Copies a range into a file as CSV, null as `\N`. @returns its rows */
  copyRange(range: TableRange, file: string, signal?: AbortSignal): Promise<number>;
  /**
   * Whether a table may be filled.
   * @throws MillraceError `sink.exists`, `sink.*`, `connection.unknown`, `postgres.*`
   */
  resolve(uri: string, ifExists: 'error' | 'replace'): Promise<string>;
  /**
   * Fills a table in one transaction, once for each generation of a job however often it is asked.
   * @returns the rows of the result
   * @throws MillraceError `sink.exists`, `sink.bad_value`, `sink.constraint`, `sink.*`, `postgres.*`
   */
  load(load: TableLoad): Promise<number>;
  /**
   * Adds a range to a table, in one transaction, once however often it is asked.
   * @returns false where it has to wait for the range before it
   * @throws MillraceError as `load`; `sink.appended` where other rows of the range are there
   */
  loadRange(load: RangeLoad): Promise<boolean>;
  /** What is in a table of the ranges of a job: each piece as `first chunk/digest`. */
  loadedPieces(of: Pick<RangeLoad, 'uri' | 'job' | 'signal'>): Promise<Set<string>>;
  /** Writes down that the whole result is there, once for each generation. @returns its rows */
  endRanges(end: RangesEnd): Promise<number>;
  /** @returns the version of the server behind a connection */
  check(connection: string): Promise<string>;
}

/** Tells webhooks. */
export interface Notifier {
  /**
   * One try to tell one URL.
   * @throws MillraceError `notify.failed` (retryable), `notify.refused`, `notify.forbidden_address`
   */
  send(url: string, notice: Notice): Promise<void>;
}

/** Where results go: private until published. */
export interface SinkStore {
  /**
   * The absolute place that a sink uri names, checked for roots and, unless `replace`, for absence.
   * @throws MillraceError `path.outside_root`, `sink.exists`, `source.scheme`, `s3.*`
   */
  resolve(uri: string, ifExists: 'error' | 'replace'): Promise<string>;
  /** A file that nobody sees until it is published at `target`. `owner` names the job, so that its leftovers can be told. */
  stageFile(target: string, owner: string): Promise<StagedFile>;
  /** A folder that nobody sees until it is published at `target` (which ends in `/`). */
  stageFolder(target: string, owner: string): Promise<StagedFolder>;
  /** Size and sha256 (hex) of what stands at `target`; null where nothing does. */
  digest(target: string): Promise<{ bytes: number; sha256: string } | null>;
  /** All files below a folder, hidden ones too, by their paths within it, sorted; empty where there is none. */
  names(folder: string): Promise<string[]>;
  /** Removes a published file, so that its replacement is never taken for its own. */
  remove(target: string): Promise<void>;
  /** Removes what an interrupted publisher of that owner left staged for `target`. */
  sweep(target: string, owner: string): Promise<void>;
}

export interface StagedFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Takes over the whole of a local file, by link where that is possible. Only on an empty staged file; absent where there is no way. */
  adopt?(localPath: string): Promise<void>;
  /**
   * Makes the file durable and visible, atomically. With `error` the first publisher wins.
   * @returns false where another file stood there already (`error` only); the staged one is gone then
   */
  publish(ifExists: 'error' | 'replace'): Promise<boolean>;
  discard(): Promise<void>;
}

export interface StagedFolder {
  /** Where the file of that name will stand; a name may have folders, as in `year=2024/part-00000.csv`. */
  uriOf(name: string): string;
  file(name: string): Promise<StagedFile>;
  /** As for a file, with `manifest` as its `manifest.json`. A folder that exists and is empty counts as absent. */
  publish(manifest: string, ifExists: 'error' | 'replace'): Promise<boolean>;
  discard(): Promise<void>;
}

/** The work area: all run state of all jobs, by slash-separated keys such as `<job>/receipts/00000000`. */
export interface WorkArea {
  read(key: string): Promise<Buffer>;
  /** Null where there is no such key. */
  tryRead(key: string): Promise<Buffer | null>;
  open(key: string): Promise<PinnedSource>;
  /** Keys directly under a prefix that ends in `/` or is empty, sorted; what holds keys is one, without its `/`. */
  list(prefix: string): Promise<string[]>;
  /**
   * Publishes once: the first writer wins and later ones change nothing.
   * @returns false where the key was there already
   */
  publish(key: string, data: Uint8Array | string): Promise<boolean>;
  /** Overwrites atomically. Only for what has one owner: catalogue entries, caches. */
  replace(key: string, data: Uint8Array | string): Promise<void>;
  /** A private file of this machine that becomes `key` by `publishFile`. Same file system where the area is local. */
  scratchFile(hint: string): Promise<string>;
  /** Opens a file made by `scratchFile`. */
  openScratch(path: string): Promise<ByteSource>;
  /** As `publish`, from a file made by `scratchFile`, which is gone afterwards. */
  publishFile(key: string, path: string): Promise<boolean>;
  /** A path by which a library that reads files itself can read the key; null where it lies on no disk of this machine. */
  localPath(key: string): string | null;
  /** Removes a key, or all keys below it. */
  remove(prefix: string): Promise<void>;
  /** A file that becomes `key` when it is published, for output that is put together piece by piece. */
  stage(key: string): Promise<StagedFile>;
  /** Removes what attempts of killed workers left unpublished a day ago and longer. */
  sweep(): Promise<void>;
}
