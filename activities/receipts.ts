import { atOnce } from '../src/core/at-once.js';
import type { RangeInput } from '../src/core/plan.js';
import { currentReceipts, keys } from '../src/core/receipt.js';
import type { Receipt } from '../src/core/receipt.js';
import type { WorkArea } from '../src/stores/port.js';

const READS_AT_ONCE = 32;

/** The receipts of a job that count, in order of chunks. */
export async function readReceipts(work: WorkArea, job: string): Promise<Receipt[]> {
  const names = await work.list(keys.receipts(job));
  const read = async (name: string) => JSON.parse((await work.read(name)).toString()) as Receipt;
  return currentReceipts(await atOnce(READS_AT_ONCE, names, read));
}

/** That of one range, as it was asked for, of its newest generation. They are asked for by name, one after the other: listing them costs as much as there are ranges. */
export async function currentReceipt(
  work: WorkArea,
  { job, from, to }: Pick<RangeInput, 'job' | 'from' | 'to'>,
): Promise<Receipt | null> {
  let newest: Buffer | null = null;
  for (let generation = 0; ; generation++) {
    const found = await work.tryRead(keys.receipt(job, { from, to, generation }));
    if (!found) break;
    newest = found;
  }
  return newest && (JSON.parse(newest.toString()) as Receipt);
}
