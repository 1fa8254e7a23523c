import { MillraceError, messageOf } from '../../core/errors.js';
import type { Counts, Row } from '../../core/records.js';
import type { RecordBatch } from '../../formats/reader.js';
import { Rejected, isBusy } from '../define.js';
import type { BatchProcessor, ProcessorContext, RecordOutput, RecordProcessor, ReduceProcessor } from '../define.js';
import type { Watch } from './watch.js';

/** A processor at work on the batches of a range: takes each batch, says what became of its records. */
export interface Application {
  /** Runs the processor over a batch; outputs go to `emit`, refused records to `refuse`. Counts all but `in`. */
  take(batch: RecordBatch, fates: Fates): Promise<void>;
}

export interface Fates {
  counts: Counts;
  /** In a task process only: what is settled before a record is given, and who is told that it is. */
  watch?: Watch;
  emit(rows: Row[]): void;
  refuse(batch: RecordBatch, i: number, rejected: Rejected): void;
}

/** The code of a chunk that is to be tried again later. */
export const PROCESSOR_BUSY = 'processor.busy';

type Context = ProcessorContext<unknown>;

/** `record`: one call a record. Kept synchronous as long as the processor is, because a promise per record halves the speed. */
export function applyRecord(processor: RecordProcessor<unknown>, context: Context): Application {
  return {
    async take(batch, fates) {
      const outputs = new Array<RecordOutput>(batch.rows.length);
      const waiting: Promise<void>[] = [];
      const { watch } = fates;
      for (let i = 0; i < outputs.length; i++) {
        const settled = watch?.verdict(i);
        if (settled !== undefined) {
          outputs[i] = settled;
          continue;
        }
        watch?.at(i, 1);
        try {
          const output = processor.record(batch.rows[i]!, context);
          if (output instanceof Promise) waiting.push(settle(output, i, outputs, processor.name, batch));
          else outputs[i] = output;
        } catch (error) {
          throw failedAt(processor.name, batch, i, error);
        }
        if (watch?.singly) await waiting.pop();
      }
      if (waiting.length > 0) {
        // Any of those that are under way may end the process now.
        watch?.at(0, outputs.length);
        await Promise.all(waiting);
      }
      sort(outputs, batch, 0, fates, processor.name);
    },
  };
}

async function settle(
  output: Promise<RecordOutput>,
  i: number,
  outputs: RecordOutput[],
  name: string,
  batch: RecordBatch,
): Promise<void> {
  try {
    outputs[i] = await output;
  } catch (error) {
    throw failedAt(name, batch, i, error);
  }
}

const DEFAULT_BATCH_SIZE = 1_000;

export function applyBatch(processor: BatchProcessor<unknown>, context: Context): Application {
  const { name, batchSize = DEFAULT_BATCH_SIZE } = processor;

  async function call(batch: RecordBatch, from: number, rows: Row[]): Promise<RecordOutput[]> {
    let outputs: RecordOutput[];
    try {
      outputs = await processor.batch(rows, context);
    } catch (error) {
      throw failedAt(name, batch, from, error);
    }
    if (Array.isArray(outputs) && outputs.length === rows.length) return outputs;
    const found = Array.isArray(outputs) ? `${outputs.length} entries` : typeof outputs;
    throw badOutput(name, `batch() got ${rows.length} records and must return one entry for each, found ${found}`);
  }

  return {
    async take(batch, fates) {
      const { watch } = fates;
      const size = watch?.singly ? 1 : batchSize;
      for (let from = 0; from < batch.rows.length; from += size) {
        const rows = batch.rows.slice(from, from + size);
        const settled = watch && rows.map((_, i) => watch.verdict(from + i));
        const given = settled ? rows.filter((_, i) => settled[i] === undefined) : rows;
        if (given.length > 0) watch?.at(from, rows.length);
        const outputs = given.length > 0 ? await call(batch, from, given) : [];
        let next = 0;
        const all = settled?.map((one) => (one === undefined ? outputs[next++] : one)) ?? outputs;
        sort(all, batch, from, fates, name);
      }
    },
  };
}

/** A reduction: the accumulator grows over all batches; nothing is emitted until the range ends. */
export function applyReduce(
  processor: ReduceProcessor<unknown>,
  context: Context,
): Application & { accumulator(): unknown } {
  let accumulator: unknown = processor.initial({ params: context.params });
  return {
    accumulator: () => accumulator,

    async take(batch, fates) {
      const { watch } = fates;
      for (let i = 0; i < batch.rows.length; i++) {
        const settled = watch?.verdict(i);
        if (settled === null) continue;
        if (!settled) watch?.at(i, 1);
        let next: unknown;
        try {
          next = settled ?? processor.add(accumulator, batch.rows[i]!, context);
        } catch (error) {
          throw failedAt(processor.name, batch, i, error);
        }
        if (next instanceof Rejected) {
          fates.refuse(batch, i, next);
        } else {
          accumulator = next;
          fates.counts.used++;
        }
      }
    },
  };
}

/** Gives each output to its fate. The outputs of a batch are emitted together, in source order. */
function sort(
  outputs: RecordOutput[],
  batch: RecordBatch,
  from: number,
  { counts, emit, refuse }: Fates,
  name: string,
): void {
  const rows: Row[] = [];
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i];
    if (output === null || output === undefined) {
      counts.filtered++;
    } else if (output instanceof Rejected) {
      refuse(batch, from + i, output);
    } else if (Array.isArray(output)) {
      counts.used++;
      for (const row of output) rows.push(row);
    } else if (typeof output === 'object') {
      counts.used++;
      rows.push(output);
    } else {
      throw badOutput(name, `wanted a row, an array of rows, null or reject(…), found ${typeof output}`);
    }
  }
  counts.out += rows.length;
  emit(rows);
}

function failedAt(name: string, batch: RecordBatch, i: number, error: unknown): MillraceError {
  if (isBusy(error)) {
    const { message, retryAfterMs } = error;
    return new MillraceError(PROCESSOR_BUSY, message, { retryable: true, retryAfterMs, cause: error });
  }
  const place = batch.offsets ? `byte ${batch.offsets[i]}` : `record ${batch.records[i]} of its chunk`;
  return new MillraceError('processor.failed', `processor "${name}" failed at ${place}: ${messageOf(error)}`, {
    retryable: true,
    cause: error,
  });
}

function badOutput(name: string, why: string): MillraceError {
  return new MillraceError('processor.bad_output', `processor "${name}": ${why}`);
}
