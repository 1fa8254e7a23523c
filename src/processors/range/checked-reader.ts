import type { RangeReader, RecordBatch } from '../../formats/reader.js';
import type { RecordCheck } from '../../schema/record-schema.js';
import { Rejected } from '../define.js';
import { refused } from './reject-log.js';

/** The records of a reader that a check lets through; the others are rejects, as if they could not be read. */
export function checkedReader(
  reader: RangeReader,
  check: RecordCheck,
  place: { source: string; chunk: number },
): RangeReader {
  return {
    get span() {
      return reader.span;
    },

    async *batches() {
      for await (const batch of reader.batches()) yield checked(batch, check, place);
    },
  };
}

function checked(batch: RecordBatch, check: RecordCheck, place: { source: string; chunk: number }): RecordBatch {
  const good: number[] = [];
  const rejects = [...batch.rejects];
  for (const [i, row] of batch.rows.entries()) {
    const fault = check(row);
    if (fault === null) good.push(i);
    else rejects.push(refused(batch, i, new Rejected(fault, 'row.schema'), place));
  }
  if (good.length === batch.rows.length) return batch;
  const { offsets, lines } = batch;
  return {
    ...batch,
    rows: good.map((i) => batch.rows[i]!),
    records: good.map((i) => batch.records[i]!),
    ...(offsets && { offsets: good.map((i) => offsets[i]!) }),
    ...(lines && { lines: good.map((i) => lines[i]!) }),
    rejects,
    raw: (i) => batch.raw(good[i]!),
  };
}
