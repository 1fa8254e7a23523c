import { workflowInfo } from '@temporalio/workflow';
import type { RangeResult } from '../src/contract.js';
import type { PlanSummary, RangeInput } from '../src/core/plan.js';
import { addTotals } from '../src/core/progress.js';
import type { Totals } from '../src/core/progress.js';
import type { Busy, Failure } from '../src/core/receipt.js';
import type { JobSettings } from '../src/core/settings.js';
import { middleOf, rangeOf, rangeSummary } from '../src/core/window.js';
import { heavy, local } from './activity-options.js';
import { CHUNK_TIMEOUT, chunkFault } from './outcome.js';
import type { Pace } from './pace.js';
import type { Patience } from './patience.js';

/** So often in a row, and the job pauses instead of asking on. */
const MAX_REFUSALS = 8;

function refusedText({ message }: Busy): string {
  return `what the processor calls refused it ${MAX_REFUSALS} times in a row, the last time: ${message}; resume the job when it is well again`;
}

/** What an activity depends on beside the plan. */
export interface ActivityRules {
  pace: Pace;
  settings(): Pick<JobSettings, 'rate' | 'failedChunks' | 'priority'>;
  /** The job is to hand out no more until somebody resumes it. */
  pause(reason: string): void;
}

/** What the running of a range depends on, be it one activity or more. */
export interface RangeRules extends ActivityRules {
  patience: Patience;
  /** An activity has done this, and left the rest of its range to the next one. May throw, to end the job. */
  left(done: Totals): void;
  /** A chunk was given up. May throw, to end the job. */
  failed(failure: Failure): void;
}

/**
 * Activity number `n` of a job: a run of neighbouring chunks. It is several where they take long.
 * @returns what the last of them did; of the others `rules.left` was told
 */
export async function processRange(job: string, plan: PlanSummary, n: number, rules: RangeRules): Promise<RangeResult> {
  const range = { job, inline: plan.inline, ...rangeOf(plan, n), generation: 0, retry: plan.retry };
  const { chunkCount, records } = plan;
  const chunks = range.to - range.from;
  rules.pace.spend((records * chunks) / chunkCount, chunks);
  return runToEnd(plan, range, rules);
}

async function runToEnd(plan: PlanSummary, range: RangeInput, rules: RangeRules): Promise<RangeResult> {
  for (let { from } = range; ;) {
    const result = await runOrGiveUp(plan, { ...range, from, patienceMs: rules.patience.ms }, rules);
    if (result.next === undefined) return result;
    from = result.next;
    rules.patience.spend();
    rules.left(result);
    await rules.pace.again();
  }
}

/**
 * Runs a range. Where it fails for good and chunks may, it is halved until the chunk that does it is found and given up;
 * the others are kept. One that did not end in time is halved in any case: it may just have been too much for one attempt.
 */
async function runOrGiveUp(plan: PlanSummary, range: RangeInput, rules: RangeRules): Promise<RangeResult> {
  let result: RangeResult;
  try {
    result = await runRange(plan, range, rules);
  } catch (error) {
    const failure = chunkFault(error);
    if (!failure) throw error;
    const { failedChunks } = rules.settings();
    const mayFail = !(failedChunks && 'count' in failedChunks && failedChunks.count === 0);
    if (!mayFail && failure.code !== CHUNK_TIMEOUT) throw error;
    // What a former run had of the range stands: a retry that fails takes nothing away.
    const stands = range.retry ? await local.standing(range) : null;
    if (!stands && middleOf(range) > range.from) return runHalves(plan, range, rules);
    if (!mayFail) throw error;
    result = stands ?? (await local.giveUp({ ...range, failure }));
    if (result.failed) rules.failed(failure);
  }
  return result.halved ? runHalves(plan, range, rules) : result;
}

async function runHalves(plan: PlanSummary, range: RangeInput, rules: RangeRules): Promise<RangeResult> {
  const middle = middleOf(range);
  const first = await runToEnd(plan, { ...range, to: middle }, rules);
  return addTotals(first, await runToEnd(plan, { ...range, from: middle }, rules));
}

/** Runs a range, again where its worker left or what the processor calls refused it. */
export async function runRange(plan: PlanSummary, range: RangeInput, rules: ActivityRules): Promise<RangeResult> {
  const { pace } = rules;
  const summary = rangeSummary(plan, range.from, range.to);
  for (;;) {
    const { rate, priority } = rules.settings();
    const input: RangeInput = {
      ...range,
      ...(rate && 'records' in rate && { recordsPerSecond: rate.records }),
      ...(plan.loads && { loads: plan.loads }),
    };
    const result = await heavy(workflowInfo().taskQueue, plan, summary, { priority }).processChunks(input);
    if (result.handedBack) continue;
    if (!result.busy) {
      pace.accepted();
      return result;
    }
    if (pace.refused(result.busy) % MAX_REFUSALS === 0) rules.pause(refusedText(result.busy));
    await pace.again();
  }
}
