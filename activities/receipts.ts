import { atOnce } from '../src/core/at-once.js';
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
