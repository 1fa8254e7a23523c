import { MAX_RECORD_BYTES } from '../../core/spec.js';
import { chunkAt } from '../../core/plan.js';
import type { Plan } from '../../core/plan.js';
import { isText } from '../../core/source-format.js';
import type { Reject, Row } from '../../core/records.js';
import { csvRangeReader } from '../../formats/csv-reader.js';
import { memorySource } from '../../formats/memory-source.js';
import { ndjsonRangeReader } from '../../formats/ndjson-reader.js';
import type { RangeReader, RecordBatch } from '../../formats/reader.js';
import type { ByteSource } from '../../stores/port.js';
import { alignedReader } from './aligned-rows.js';

/** A record that was rejected, and how it is to be tried once more. */
export interface RejectedRecord {
  reject: Reject;
  /** From the source, from a text that takes its place, or not at all: then it stays rejected. */
  from: 'source' | { text: string } | 'nowhere';
}

/** Reads records that have no byte position, by their numbers in the source. */
export type ReadByNumber = (numbers: ReadonlySet<number>) => Promise<Map<number, Row>>;

const BATCH_RECORDS = 1_000;

/**
 * The rejected records of one chunk, each read once more. They keep their places: offset, line and number are those of
 * the first reject, whatever text they come from now.
 * @param source the chunk's file, where its format has byte positions
 */
export function rejectedReader(
  plan: Plan,
  records: readonly RejectedRecord[],
  source: ByteSource | undefined,
  readByNumber: ReadByNumber,
): RangeReader {
  return {
    span: null,

    async *batches(): AsyncGenerator<RecordBatch> {
      for (let i = 0; i < records.length; i += BATCH_RECORDS) {
        const some = records.slice(i, i + BATCH_RECORDS);
        yield await readBatch(plan, some, source, readByNumber);
      }
    },
  };
}

async function readBatch(
  plan: Plan,
  records: readonly RejectedRecord[],
  source: ByteSource | undefined,
  readByNumber: ReadByNumber,
): Promise<RecordBatch> {
  const text = isText(plan.format);
  const numbers = new Set(records.flatMap(({ reject, from }) => (from === 'source' ? [reject.record!] : [])));
  const byNumber = text || numbers.size === 0 ? new Map<number, Row>() : await readByNumber(numbers);
  const read: RejectedRecord[] = [];
  const batch: RecordBatch = {
    rows: [],
    records: [],
    rejects: [],
    position: 0,
    raw: (i) => {
      const { reject, from } = read[i]!;
      return typeof from === 'object' ? from.text : reject.raw;
    },
  };
  for (const record of records) {
    const outcome = await readAgain(plan, record, source, byNumber);
    if ('reject' in outcome) {
      batch.rejects.push(outcome.reject);
    } else {
      batch.rows.push(outcome.row);
      batch.records.push(record.reject.record!);
      read.push(record);
    }
  }
  if (text) {
    batch.offsets = read.map(({ reject }) => reject.offset!);
    if (read.every(({ reject }) => reject.line !== null)) batch.lines = read.map(({ reject }) => reject.line!);
  }
  return batch;
}

async function readAgain(
  plan: Plan,
  { reject, from }: RejectedRecord,
  source: ByteSource | undefined,
  byNumber: Map<number, Row>,
): Promise<{ row: Row } | { reject: Reject }> {
  if (from === 'nowhere') return { reject };
  if (typeof from === 'object') return readOne(plan, memorySource(Buffer.from(from.text)), null, reject);
  // The record that begins at this byte, and no other.
  if (reject.offset !== null) return readOne(plan, source!, reject.offset, reject);
  const row = byNumber.get(reject.record!);
  return row ? { row } : { reject };
}

/** @param at where the record begins in the source; null: the source is the record */
async function readOne(
  plan: Plan,
  source: ByteSource,
  at: number | null,
  reject: Reject,
): Promise<{ row: Row } | { reject: Reject }> {
  const [start, end] = at === null ? [0, source.size] : [at, at + 1];
  const range = { start, end, exact: true, label: reject.source, chunk: reject.chunk };
  const chunk = chunkAt(plan, reject.chunk);
  const reader =
    chunk.kind === 'items'
      ? ndjsonRangeReader(source, range, {})
      : alignedReader(plan, plan.files[chunk.file]!, (columns) =>
          plan.format === 'csv'
            ? csvRangeReader(source, range, { columns, csv: plan.spec.source.csv })
            : ndjsonRangeReader(source, range, { columns }),
        );
  const rows: Row[] = [];
  const rejects: Reject[] = [];
  for await (const batch of reader.batches()) {
    rows.push(...batch.rows);
    rejects.push(...batch.rejects);
  }
  const { offset, line, record } = reject;
  const inPlace = (fault: Pick<Reject, 'code' | 'message' | 'raw'>): Reject => ({
    source: reject.source,
    chunk: reject.chunk,
    offset,
    line,
    record,
    code: fault.code,
    message: fault.message,
    raw: fault.raw,
  });
  const found = rows.length + rejects.length;
  if (found === 1) return rows.length === 1 ? { row: rows[0]! } : { reject: inPlace(rejects[0]!) };
  // Only where the first reject came of a wrong guess is no record there; its range will be run again as a whole.
  if (at !== null) return { reject };
  const code = 'row.not_one_record';
  const message = `the corrected text holds ${found} records, wanted one`;
  return { reject: inPlace({ code, message, raw: (await source.read(0, MAX_RECORD_BYTES)).toString() }) };
}
