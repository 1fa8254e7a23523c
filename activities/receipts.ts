import { currentReceipts, keys } from '../src/core/receipt.js';
import type { Receipt } from '../src/core/receipt.js';
import type { WorkArea } from '../src/stores/port.js';

const READS_AT_ONCE = 32;

/** The receipts of a job that count, in order of chunks. */
export async function readReceipts(work: WorkArea, job: string): Promise<Receipt[]> {
  const names = await work.list(keys.receipts(job));
  const receipts: Receipt[] = [];
  for (let i = 0; i < names.length; i += READS_AT_ONCE) {
    const texts = await Promise.all(names.slice(i, i + READS_AT_ONCE).map((name) => work.read(name)));
    for (const text of texts) receipts.push(JSON.parse(text.toString()) as Receipt);
  }
  return currentReceipts(receipts);
}
