import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordBatch } from '../../formats/reader.js';

/** Records are let through in groups of this long, so that a timer is not set for each. */
const GROUP_SECONDS = 0.1;

/**
 * The batches in smaller ones, no more records a second than allowed. Ends early, without error, once `signal` is aborted:
 * whoever consumes it asks whether the task is to stop.
 * @param perSecond absent: as they come
 */
export async function* paced(
  batches: AsyncGenerator<RecordBatch>,
  perSecond: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<RecordBatch> {
  if (perSecond === undefined) {
    yield* batches;
    return;
  }
  const size = Math.max(1, Math.floor(perSecond * GROUP_SECONDS));
  let due = performance.now();
  for await (const batch of batches) {
    for (const group of groups(batch, size)) {
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      due = Math.max(due, performance.now()) + (group.rows.length / perSecond) * 1000;
      yield group;
    }
  }
}

function* groups(batch: RecordBatch, size: number): Generator<RecordBatch> {
  if (batch.rows.length <= size) {
    yield batch;
    return;
  }
  for (let from = 0; from < batch.rows.length; from += size) {
    const to = from + size;
    yield {
      rows: batch.rows.slice(from, to),
      offsets: batch.offsets?.slice(from, to),
      lines: batch.lines?.slice(from, to),
      records: batch.records.slice(from, to),
      rejects: from === 0 ? batch.rejects : [],
      position: batch.position,
      raw: (i) => batch.raw(from + i),
    };
  }
}
