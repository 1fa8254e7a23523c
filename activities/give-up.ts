import type { RangeResult } from '../src/contract.js';
import type { RangeInput } from '../src/core/plan.js';
import { keys, resultOf, totalsOf } from '../src/core/receipt.js';
import type { Failure, Receipt } from '../src/core/receipt.js';
import { NO_COUNTS } from '../src/core/records.js';
import type { Dependencies } from './dependencies.js';

/**
 * Publishes that a range was given up. An attempt that was thought dead may have published its receipt meanwhile: then
 * that one counts, and the range is done.
 */
export async function giveUp(
  { work }: Dependencies,
  { job, inline, from, to, generation, failure }: RangeInput & { failure: Failure },
): Promise<RangeResult> {
  const receipt: Receipt = {
    version: 1,
    from,
    to,
    generation,
    attempt: 0,
    endedAt: new Date().toISOString(),
    counts: { ...NO_COUNTS },
    bytes: 0,
    guessed: false,
    failed: failure,
    spans: [],
  };
  if (inline) return { ...totalsOf(receipt), inline: { receipt } };
  const key = keys.receipt(job, receipt);
  if (await work.publish(key, JSON.stringify(receipt))) return totalsOf(receipt);
  return resultOf(JSON.parse((await work.read(key)).toString()) as Receipt);
}
