import { MAX_RAW_CHARS } from '../../core/records.js';
import type { Reject } from '../../core/records.js';
import type { RecordBatch } from '../../formats/reader.js';
import type { Rejected } from '../define.js';
import { PartWriter } from './part-writer.js';

/** Lines and records that come before a chunk in its span; for Parquet and items, in the whole source. */
export interface Origin {
  lines: number;
  records: number;
}

/** The rejects of a range: counted, the first one kept for messages, and written to a file where they are kept. */
export class RejectLog {
  records = 0;
  first: string | undefined;
  private writer: PartWriter | null = null;

  /** @param path where to write; null counts only */
  constructor(private readonly path: string | null) {}

  /** Whether single records can be tried again later. */
  get kept(): boolean {
    return this.path !== null && this.records > 0;
  }

  add(reject: Reject): void {
    this.records++;
    this.first ??= describe(reject);
    if (this.path === null) return;
    this.writer ??= new PartWriter(this.path);
    this.writer.write(JSON.stringify({ ...reject, raw: reject.raw.slice(0, MAX_RAW_CHARS) }) + '\n');
  }

  close(): { path: string; bytes: number } | undefined {
    if (!this.writer) return undefined;
    this.writer.close();
    return { path: this.writer.path, bytes: this.writer.bytes };
  }

  discard(): void {
    this.writer?.discard();
  }
}

/** The reject of a record that a processor refused. */
export function refused(
  batch: RecordBatch,
  i: number,
  rejected: Rejected,
  place: { source: string; chunk: number },
): Reject {
  return {
    ...place,
    offset: batch.offsets?.[i] ?? null,
    line: batch.lines?.[i] ?? null,
    record: batch.records[i] ?? null,
    code: rejected.code,
    message: rejected.message,
    raw: batch.raw(i),
  };
}

/** A reject counted from a chunk's start, now from where `origin` counts. */
export function shifted(reject: Reject, origin: Origin): Reject {
  const { line, record } = reject;
  return {
    ...reject,
    line: line === null ? null : line + origin.lines,
    record: record === null ? null : record + origin.records,
  };
}

function describe({ source, offset, record, code, message, raw }: Reject): string {
  const place = offset === null ? `record ${record}` : `byte ${offset}`;
  return `${source} ${place}: ${code}: ${message} (${JSON.stringify(raw.slice(0, 120))})`;
}
