import { workflowInfo } from '@temporalio/workflow';
import type { RangeResult } from '../src/contract.js';
import type { PlanSummary, RangeInput } from '../src/core/plan.js';
import { rangeOf, rangeSummary } from '../src/core/window.js';
import { heavy } from './activity-options.js';

/** Activity number `n` of a job: a run of neighbouring chunks. */
export function processRange(job: string, plan: PlanSummary, n: number): Promise<RangeResult> {
  return runRange(plan, { job, inline: plan.inline, ...rangeOf(plan, n), generation: 0, retry: plan.retry });
}

export function runRange(plan: PlanSummary, range: RangeInput): Promise<RangeResult> {
  const summary = rangeSummary(plan, range.from, range.to);
  return heavy(workflowInfo().taskQueue, plan, summary).processChunks(range);
}
