import type { Inspected } from '../src/contract.js';
import { MillraceError } from '../src/core/errors.js';
import { keptUntil } from '../src/core/job.js';
import type { Ended } from '../src/core/job.js';
import type { Plan, Retry } from '../src/core/plan.js';
import { NO_TOTALS, addTotals } from '../src/core/progress.js';
import { keys, totalsOf } from '../src/core/receipt.js';
import type { Receipt } from '../src/core/receipt.js';
import { activitiesPerRun, activityCount, rangeOf } from '../src/core/window.js';
import type { Dependencies } from './dependencies.js';
import { claimAgain } from './increment.js';
import { summaryOf } from './plan-summary.js';
import { readReceipts } from './receipts.js';

/**
 * What the former runs of a job left for a retry, and takes its folder out of the reach of retention.
 * @returns null where they left no plan; it is then made anew
 * @throws MillraceError `job.expired`, `source.taken`
 */
export async function takeUp(dependencies: Dependencies, job: string, retry: Retry): Promise<Inspected | null> {
  const { work } = dependencies;
  const ended = await work.tryRead(keys.ended(job));
  if (ended) {
    // Judged before the mark goes: whoever sweeps waits some minutes beyond this time.
    const until = keptUntil(JSON.parse(ended.toString()) as Ended);
    if (Date.now() >= until) throw expired(job);
    await work.remove(keys.ended(job));
  }
  const text = await work.tryRead(keys.plan(job));
  if (!text) return null;
  const plan = JSON.parse(text.toString()) as Plan;
  await claimAgain(dependencies, plan);
  const summary = { ...summaryOf(plan, false, []), retry };
  const activities = activityCount(plan);
  // One activity says itself how its range stands, and a bigger job asks each: a list of them would be too long to carry.
  if (activities === 1 || activities > activitiesPerRun(plan.spec)) return summary;

  const receipts = new Map((await readReceipts(work, job)).map((receipt) => [receipt.from, receipt]));
  const todo: number[] = [];
  let done = NO_TOTALS;
  for (let n = 0; n < activities; n++) {
    const { from, to } = rangeOf(plan, n);
    const receipt = receipts.get(from);
    // One that ends elsewhere is of a range that was halved.
    if (receipt?.to === to && isDone(receipt)) done = addTotals(done, totalsOf(receipt));
    else todo.push(n);
  }
  return { ...summary, todo, done };
}

/** Whether nothing of a range is left for a retry: no failure and no rejected record. */
export function isDone({ failed, counts }: Receipt): boolean {
  return !failed && counts.rejected === 0;
}

function expired(job: string): MillraceError {
  return new MillraceError(
    'job.expired',
    `what job "${job}" left is kept no longer (options.retention); start it as a new job`,
  );
}
