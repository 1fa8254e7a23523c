import { defineSignal, getExternalWorkflowHandle, setHandler, workflowInfo } from '@temporalio/workflow';
import { CONTROL_SIGNAL, LANES_SIGNAL, WINDOW_SIGNAL } from '../src/contract.js';
import type { WindowControl, WindowInput, WindowReport } from '../src/contract.js';
import { NO_TOTALS, addTotals } from '../src/core/progress.js';
import type { Totals } from '../src/core/progress.js';
import { settingsOf } from '../src/core/settings.js';
import { Lanes } from './lanes.js';
import { Pace } from './pace.js';
import { Patience } from './patience.js';
import { processRange } from './process-range.js';
import type { RangeRules } from './process-range.js';

export const lanesSignal = defineSignal<[number]>(LANES_SIGNAL);
export const controlSignal = defineSignal<[WindowControl]>(CONTROL_SIGNAL);
export const windowSignal = defineSignal<[WindowReport]>(WINDOW_SIGNAL);

const ACTIVITIES_PER_REPORT = 50;
/** A window that is slowed down has fewer of them, and is watched all the same. */
const RATED_ACTIVITIES_PER_REPORT = 10;

/**
 * One window of a big job: at most `activitiesPerRun` ranges, and the rests that `Patience` allows, so its history is
 * bounded and it never continues as new. It reports what is done once per 50 activities, and gives lanes back when it has handed out its last work: half of
 * them in one report, the rest by ending.
 */
export async function processWindow(input: WindowInput): Promise<Totals> {
  const root = getExternalWorkflowHandle(workflowInfo().parent!.workflowId);
  const pace = new Pace();
  let control: WindowControl | null = null;
  let total: Totals = NO_TOTALS;
  let unreported: Totals = NO_TOTALS;
  let activities = 0;
  let freed = 0;
  let granted = input.lanes;

  const report = (more: Pick<WindowReport, 'busy' | 'failure'> = {}) => {
    const message: WindowReport = { window: input.from, done: unreported, freed, ...more };
    unreported = NO_TOTALS;
    granted -= freed;
    freed = 0;
    // The root may have ended (cancelled, failed); its windows are then cancelled too, and nobody misses the report.
    root.signal(windowSignal, message).catch(() => undefined);
  };

  const steer = (given: WindowControl) => {
    control = given;
    pace.held = given.held;
    pace.rate = given.rate;
    pace.most = given.most ?? Infinity;
    // Whoever paused the job wants to see how far it is.
    if (given.held && unreported.chunks > 0) report();
  };
  const planned = settingsOf(input.plan);

  const add = (done: Totals) => {
    total = addTotals(total, done);
    unreported = addTotals(unreported, done);
    if (++activities % (pace.rate ? RATED_ACTIVITIES_PER_REPORT : ACTIVITIES_PER_REPORT) === 0) report();
  };
  const rules: RangeRules = {
    pace,
    settings: () => ({ ...planned, ...control }),
    pause: (reason) => report({ busy: reason }),
    patience: new Patience(input.plan, input.to - input.from),
    left: add,
    // The root judges, for it alone knows of all windows; what is given up is rare enough to be told at once.
    failed: (failure) => report({ failure }),
  };

  const lanes = new Lanes(
    input.from,
    input.to,
    async (n) => add(await processRange(input.job, input.plan, n, rules)),
    pace,
    () => {
      freed++;
      if (freed * 2 >= granted && lanes.running > 0) report();
    },
  );

  setHandler(lanesSignal, (count) => {
    granted += count;
    lanes.open(count);
  });
  setHandler(controlSignal, steer);
  if (input.control) steer(input.control);
  lanes.open(input.lanes);
  await lanes.done();
  return total;
}
