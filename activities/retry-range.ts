import type { RangeResult } from '../src/contract.js';
import type { RangeInput, Retry } from '../src/core/plan.js';
import { keys, resultOf } from '../src/core/receipt.js';
import type { Receipt } from '../src/core/receipt.js';
import { middleOf } from '../src/core/window.js';
import type { WorkArea } from '../src/stores/port.js';
import type { Dependencies } from './dependencies.js';
import { currentReceipt } from './receipts.js';
import { isDone } from './take-up.js';

/** A range as a thread takes it: whole, or only the records that `mend` rejected. */
export interface RangeTask extends RangeInput {
  mend?: Receipt;
}

/**
 * What a retry has to do for a range. Nothing of its own where a former run halved it: each half is asked for then. Nothing
 * where its receipt is good, or of this very run. Where single records were rejected and kept, only those; else what the
 * receipt covers, as a new generation.
 */
export async function rangeTask(
  work: WorkArea,
  input: RangeInput & { retry: Retry },
): Promise<{ done: Receipt } | { task: RangeTask } | 'halved'> {
  // Before all else: an attempt at the whole that was thought dead may have left a receipt too.
  if (await wasHalved(work, input)) return 'halved';
  const current = await currentReceipt(work, input);
  if (!current) return { task: input };
  const { run, corrections } = input.retry;
  if (current.run === run || isDone(current)) return { done: current };
  const again = {
    ...input,
    to: current.to,
    asked: current.asked,
    patienceMs: undefined,
    generation: current.generation + 1,
  };
  if (current.rejects) {
    if (corrections !== undefined && !(await hasCorrections(work, corrections, current))) return { done: current };
    return { task: { ...again, mend: current } };
  }
  // A guess that nobody checked is made again, so that what it rejects is not taken for sure.
  const start = current.guessed ? undefined : current.spans[0]?.first;
  return { task: { ...again, start } };
}

/** What a former run, or this one, has of a range; null where that is nothing. */
export async function standing({ work }: Dependencies, range: RangeInput): Promise<RangeResult | null> {
  const receipt = range.inline ? null : await currentReceipt(work, range);
  return receipt && resultOf(receipt);
}

/** Whether a former run gave up a part of the range: of the parts it tried first, the smallest is there then, or its double. */
async function wasHalved(work: WorkArea, { job, from, to }: RangeInput): Promise<boolean> {
  for (let end = middleOf({ from, to }); end > from; end = middleOf({ from, to: end })) {
    if (await work.tryRead(keys.receipt(job, { from, to: end, generation: 0 }))) return true;
  }
  return false;
}

async function hasCorrections(work: WorkArea, prefix: string, { from, to }: Receipt): Promise<boolean> {
  const first = keys.correction(prefix, from);
  const behind = keys.correction(prefix, to);
  return (await work.list(prefix)).some((key) => key >= first && key < behind);
}
