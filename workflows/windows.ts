import {
  CancellationScope,
  ParentClosePolicy,
  condition,
  getExternalWorkflowHandle,
  setHandler,
  startChild,
} from '@temporalio/workflow';
import { PROCESS_WINDOW } from '../src/contract.js';
import type { ProcessWindow, WindowInput } from '../src/contract.js';
import type { PlanSummary } from '../src/core/plan.js';
import { NO_TOTALS, addTotals, subtractTotals } from '../src/core/progress.js';
import type { Totals } from '../src/core/progress.js';
import { MAX_ACTIVITIES_PER_RUN, MAX_LANES, MAX_OPEN_WINDOWS, activityCount } from '../src/core/window.js';
import { lanesSignal, windowSignal } from './process-window.js';

interface OpenWindow {
  id: string;
  from: number;
  lanes: number;
  reported: Totals;
}

/**
 * Runs the activities of a big job in child workflows. The root owns the lanes (the job's concurrency) and leases them: a
 * window that has handed out its last work gives lanes back, and they go to the newest open window, or start the next.
 */
export async function processInWindows(job: string, plan: PlanSummary, onDone: (done: Totals) => void): Promise<void> {
  const total = activityCount(plan);
  const open: OpenWindow[] = [];
  let next = 0;
  let failed = false;
  let failure: unknown;
  const scope = new CancellationScope();

  const fail = (error: unknown) => {
    if (failed) return;
    failed = true;
    failure = error;
    scope.cancel();
  };

  const lease = (lanes: number) => {
    if (lanes === 0 || failed) return;
    const newest = open.at(-1);
    if (next < total && open.length < MAX_OPEN_WINDOWS) {
      const window = { id: `${job}/${next}`, from: next, lanes, reported: NO_TOTALS };
      next = Math.min(next + MAX_ACTIVITIES_PER_RUN, total);
      open.push(window);
      void scope.run(() => run(window, next)).catch(fail);
    } else if (newest) {
      newest.lanes += lanes;
      // A window that ended meanwhile gives all its lanes back by ending.
      void scope.run(() => getExternalWorkflowHandle(newest.id).signal(lanesSignal, lanes)).catch(() => undefined);
    }
  };

  const run = async (window: OpenWindow, to: number) => {
    try {
      const input: WindowInput = { job, plan, from: window.from, to, lanes: window.lanes };
      const child = await startChild<ProcessWindow>(PROCESS_WINDOW, {
        workflowId: window.id,
        args: [input],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `${plan.name}: activities ${window.from + 1}-${to} of ${total}`,
      });
      const done = await child.result();
      onDone(subtractTotals(done, window.reported));
    } finally {
      open.splice(open.indexOf(window), 1);
      lease(window.lanes);
    }
  };

  setHandler(windowSignal, (report) => {
    const window = open.find((one) => one.from === report.window);
    if (!window) return;
    window.reported = addTotals(window.reported, report.done);
    onDone(report.done);
    window.lanes -= report.freed;
    lease(report.freed);
  });

  lease(Math.min(plan.concurrency, MAX_LANES));
  await CancellationScope.nonCancellable(() => condition(() => open.length === 0));
  if (failed) throw failure;
}
