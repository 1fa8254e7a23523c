import { ParentClosePolicy, continueAsNew, executeChild, patched } from '@temporalio/workflow';
import { STITCH_RANGES } from '../src/contract.js';
import type { Correction, Restart, StitchInput, StitchRanges } from '../src/contract.js';
import type { PlanSummary } from '../src/core/plan.js';
import { NO_TOTALS, addTotals } from '../src/core/progress.js';
import type { Totals } from '../src/core/progress.js';
import { settingsOf } from '../src/core/settings.js';
import { MAX_LANES } from '../src/core/window.js';
import { local } from './activity-options.js';
import { Lanes } from './lanes.js';
import { Pace } from './pace.js';
import { runRange } from './process-range.js';
import type { ActivityRules } from './process-range.js';

/** What the root takes on itself; beside its own activities that keeps its history under 4,096 events. */
const MAX_RESTARTS_IN_ROOT = 80;
const MAX_RESTARTS_PER_RUN = 300;

/**
 * Runs again the ranges whose first record was guessed wrong, until all ranges join. A wrong guess is rare; a file made of
 * little else is left to a child, whose history starts anew as often as it takes.
 */
export async function stitch(
  job: string,
  plan: PlanSummary,
  rules: ActivityRules,
  correct: (undo: Totals, done: Totals) => void,
): Promise<void> {
  for (let done = 0; ;) {
    const restarts = await local.stitch({ job });
    if (restarts.length === 0) return;
    if (done + restarts.length > MAX_RESTARTS_IN_ROOT) {
      const { undo, done } = await executeChild<StitchRanges>(STITCH_RANGES, {
        workflowId: `${job}/stitch`,
        args: [{ job, plan, undo: NO_TOTALS, done: NO_TOTALS }],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `${plan.name}: ranges that begin elsewhere than guessed`,
      });
      return correct(undo, done);
    }
    await restartAll(job, plan, restarts, rules, correct);
    done += restarts.length;
  }
}

/** The rest of a job's stitching. @returns all that was taken back, and what came in its place */
export async function stitchRanges({ job, plan, ...so }: StitchInput): Promise<Correction> {
  const settings = settingsOf(plan);
  const rules: ActivityRules = { pace: new Pace(), settings: () => settings, pause: () => undefined };
  let { undo, done } = so;
  for (let count = 0; ;) {
    const restarts = await local.stitch({ job });
    if (restarts.length === 0) return { undo, done };
    if (count + restarts.length > MAX_RESTARTS_PER_RUN) {
      return continueAsNew<StitchRanges>({ job, plan, undo, done });
    }
    await restartAll(job, plan, restarts, rules, (undone, redone) => {
      undo = addTotals(undo, undone);
      done = addTotals(done, redone);
    });
    count += restarts.length;
  }
}

async function restartAll(
  job: string,
  plan: PlanSummary,
  restarts: Restart[],
  rules: ActivityRules,
  correct: (undo: Totals, done: Totals) => void,
): Promise<void> {
  const restart = async (n: number) => {
    const { undo, ...range } = restarts[n]!;
    correct(undo, await runRange(plan, { job, ...range }, rules));
  };
  const lanes = new Lanes(0, restarts.length, restart, rules.pace);
  // Jobs of the first version ran one after the other.
  const most = restarts.length > 1 && patched('restarts side by side') ? Math.min(plan.concurrency, MAX_LANES) : 1;
  lanes.open(Math.min(most, restarts.length));
  await lanes.done();
}
