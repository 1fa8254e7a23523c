import type { RangeInput, Retry } from '../src/core/plan.js';
import { keys } from '../src/core/receipt.js';
import type { Receipt } from '../src/core/receipt.js';
import type { WorkArea } from '../src/stores/port.js';
import { isDone } from './take-up.js';

/** A range as a thread takes it: whole, or only the records that `mend` rejected. */
export interface RangeTask extends RangeInput {
  mend?: Receipt;
}

/**
 * What a retry has to do for a range. Nothing where its receipt is good, or of this very run. Where single records were
 * rejected and kept, only those; else the whole range, as a new generation.
 */
export async function rangeTask(
  work: WorkArea,
  input: RangeInput & { retry: Retry },
): Promise<{ done: Receipt } | { task: RangeTask }> {
  const current = await currentReceipt(work, input);
  if (!current) return { task: input };
  const { run, corrections } = input.retry;
  if (current.run === run || isDone(current)) return { done: current };
  const generation = current.generation + 1;
  if (current.rejects) {
    if (corrections !== undefined && !(await hasCorrections(work, corrections, input))) return { done: current };
    return { task: { ...input, generation, mend: current } };
  }
  // A guess that nobody checked is made again, so that what it rejects is not taken for sure.
  const start = current.guessed ? undefined : current.spans[0]?.first;
  return { task: { ...input, generation, start } };
}

/** The newest generation. They are asked for by name, one after the other: listing them costs as much as there are ranges. */
async function currentReceipt(work: WorkArea, { job, from, to }: RangeInput): Promise<Receipt | null> {
  let newest: Buffer | null = null;
  for (let generation = 0; ; generation++) {
    const found = await work.tryRead(keys.receipt(job, from, to, generation));
    if (!found) break;
    newest = found;
  }
  return newest && (JSON.parse(newest.toString()) as Receipt);
}

async function hasCorrections(work: WorkArea, prefix: string, { from, to }: RangeInput): Promise<boolean> {
  const first = keys.correction(prefix, from);
  const behind = keys.correction(prefix, to);
  return (await work.list(prefix)).some((key) => key >= first && key < behind);
}
