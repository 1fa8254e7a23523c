import { defineSignal, getExternalWorkflowHandle, setHandler, workflowInfo } from '@temporalio/workflow';
import { LANES_SIGNAL, WINDOW_SIGNAL } from '../src/contract.js';
import type { WindowInput, WindowReport } from '../src/contract.js';
import { NO_TOTALS, addTotals } from '../src/core/progress.js';
import type { Totals } from '../src/core/progress.js';
import { Lanes } from './lanes.js';
import { processRange } from './process-range.js';

export const lanesSignal = defineSignal<[number]>(LANES_SIGNAL);
export const windowSignal = defineSignal<[WindowReport]>(WINDOW_SIGNAL);

const ACTIVITIES_PER_REPORT = 50;

/**
 * One window of a big job: at most `MAX_ACTIVITIES_PER_RUN` activities, so its history is bounded and it never continues
 * as new. It reports what is done once per 50 activities, and gives lanes back when it has handed out its last work:
 * half of them in one report, the rest by ending.
 */
export async function processWindow(input: WindowInput): Promise<Totals> {
  const root = getExternalWorkflowHandle(workflowInfo().parent!.workflowId);
  let total: Totals = NO_TOTALS;
  let unreported: Totals = NO_TOTALS;
  let activities = 0;
  let freed = 0;
  let granted = input.lanes;

  const report = () => {
    const message: WindowReport = { window: input.from, done: unreported, freed };
    unreported = NO_TOTALS;
    granted -= freed;
    freed = 0;
    // The root may have ended (cancelled, failed); its windows are then cancelled too, and nobody misses the report.
    root.signal(windowSignal, message).catch(() => undefined);
  };

  const lanes = new Lanes(
    input.from,
    input.to,
    async (n) => {
      const result = await processRange(input.job, input.plan, n);
      total = addTotals(total, result);
      unreported = addTotals(unreported, result);
      if (++activities % ACTIVITIES_PER_REPORT === 0) report();
    },
    () => {
      freed++;
      if (freed * 2 >= granted && lanes.running > 0) report();
    },
  );

  setHandler(lanesSignal, (count) => {
    granted += count;
    lanes.open(count);
  });
  lanes.open(input.lanes);
  await lanes.done();
  return total;
}
