import { MAX_RAW_CHARS } from '../core/records.js';
import type { Row } from '../core/records.js';
import { stringifyJsonExact } from './json-exact.js';
import type { RangeReader, RecordBatch } from './reader.js';

/** Reads inline items as if they were a file: one batch. */
export function itemsReader(items: Row[]): RangeReader {
  return {
    span: null,

    async *batches(): AsyncGenerator<RecordBatch> {
      if (items.length === 0) return;
      yield {
        rows: items,
        records: items.map((_, i) => i + 1),
        rejects: [],
        position: items.length,
        raw: (i) => stringifyJsonExact(items[i]).slice(0, MAX_RAW_CHARS),
      };
    },
  };
}
