import type { Restart } from '../src/contract.js';
import type { Plan } from '../src/core/plan.js';
import { totalsOf } from '../src/core/receipt.js';
import type { Receipt } from '../src/core/receipt.js';
import type { Dependencies } from './dependencies.js';
import { readPlan } from './read-plan.js';
import { readReceipts } from './receipts.js';

/** So many travel through a history at once; the others are found by the next call. */
const MAX_RESTARTS = 100;

/** Ranges whose first record start was guessed wrong; none when all of them join. */
export async function stitch({ work }: Dependencies, { job }: { job: string }): Promise<Restart[]> {
  const plan = await readPlan(work, { job });
  return findRestarts(plan, await readReceipts(work, job)).slice(0, MAX_RESTARTS);
}

/**
 * The spans of each file must tile it from its first record to its end. A range that does not begin where the one before
 * it ended is run again from there. What follows it is judged in the next round, for its own border may move.
 * @param receipts the current ones, in order
 */
export function findRestarts(plan: Pick<Plan, 'files'>, receipts: readonly Receipt[]): Restart[] {
  const restarts: Restart[] = [];
  let gap = false;
  let previous: { file: number; end: number; sure: boolean } | null = null;
  for (const receipt of receipts) {
    // Nobody knows where a range that was given up begins and ends: what follows it is taken at its word.
    if (receipt.failed) gap = true;
    let wrong = false;
    for (const span of receipt.spans) {
      const continues: boolean = previous?.file === span.file;
      const expected = continues ? previous!.end : plan.files[span.file]!.dataStart;
      const judged: boolean = !gap && (!continues || previous!.sure);
      gap = false;
      if (judged && span.first !== expected && !wrong) {
        wrong = true;
        const { from, to, asked, generation } = receipt;
        restarts.push({ from, to, asked, start: expected, generation: generation + 1, undo: totalsOf(receipt) });
      }
      previous = { file: span.file, end: span.end, sure: !wrong };
    }
  }
  return restarts;
}
