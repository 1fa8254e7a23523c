import {
  CancellationScope,
  ParentClosePolicy,
  condition,
  getExternalWorkflowHandle,
  setHandler,
  startChild,
} from '@temporalio/workflow';
import { PROCESS_WINDOW } from '../src/contract.js';
import type { ProcessWindow, WindowControl, WindowInput } from '../src/contract.js';
import type { PlanSummary } from '../src/core/plan.js';
import { NO_TOTALS, addTotals, subtractTotals } from '../src/core/progress.js';
import type { Totals } from '../src/core/progress.js';
import type { Failure } from '../src/core/receipt.js';
import { shareOf } from '../src/core/settings.js';
import { MAX_LANES, MAX_OPEN_WINDOWS, activitiesPerRun, activityCount } from '../src/core/window.js';
import type { JobControl } from './job-control.js';
import { controlSignal, lanesSignal, windowSignal } from './process-window.js';

interface OpenWindow {
  id: string;
  from: number;
  lanes: number;
  reported: Totals;
  /** What it was told last, as JSON. */
  told: string;
}

interface WindowEvents {
  done(totals: Totals): void;
  /** A chunk was given up. May throw, to end the job. */
  failed(failure: Failure): void;
}

/**
 * Runs the activities of a big job in child workflows. The root owns the lanes (the job's concurrency) and leases them: a
 * window that has handed out its last work gives lanes back, and they go to the newest open window, or start the next.
 * The rate is shared by the open windows; where there are fewer lanes now than were leased, each may use its share of them.
 */
export async function processInWindows(
  job: string,
  plan: PlanSummary,
  control: JobControl,
  events: WindowEvents,
): Promise<void> {
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

  const controlOf = (window: OpenWindow): WindowControl => {
    const { concurrency, rate, priority } = control.settings;
    const leased = open.reduce((sum, { lanes }) => sum + lanes, 0);
    return {
      held: control.pace.held,
      rate: shareOf(rate, open.length),
      most: concurrency < leased ? Math.max(1, Math.floor((concurrency * window.lanes) / leased)) : null,
      priority,
    };
  };

  const signal = (window: OpenWindow, send: () => Promise<void>) => {
    // A window that ended meanwhile misses nothing: it gives all its lanes back by ending.
    void scope.run(send).catch(() => undefined);
    return window;
  };

  /** Tells each window what has changed for it. */
  const steer = () => {
    if (failed) return;
    for (const window of open) {
      const now = controlOf(window);
      const text = JSON.stringify(now);
      if (text === window.told) continue;
      window.told = text;
      signal(window, () => getExternalWorkflowHandle(window.id).signal(controlSignal, now));
    }
  };

  const lease = (lanes: number) => {
    if (lanes <= 0 || failed) return;
    const newest = open.at(-1);
    // A rate is dearly shared: then one window at a time, but for what is open already.
    const most = control.settings.rate ? 1 : MAX_OPEN_WINDOWS;
    if (next < total && open.length < most) {
      const window = { id: `${job}/${next}`, from: next, lanes, reported: NO_TOTALS, told: '' };
      next = Math.min(next + activitiesPerRun(plan), total);
      open.push(window);
      void scope.run(() => run(window, next)).catch(fail);
    } else if (newest) {
      newest.lanes += lanes;
      signal(newest, () => getExternalWorkflowHandle(newest.id).signal(lanesSignal, lanes));
    }
  };

  const run = async (window: OpenWindow, to: number) => {
    try {
      const steering = controlOf(window);
      const plain = !steering.held && !steering.rate && steering.most === null;
      window.told = JSON.stringify(steering);
      const input: WindowInput = { job, plan, from: window.from, to, lanes: window.lanes };
      const child = await startChild<ProcessWindow>(PROCESS_WINDOW, {
        workflowId: window.id,
        args: [plain && steering.priority === plan.options.priority ? input : { ...input, control: steering }],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `${plan.name}: activities ${window.from + 1}-${to} of ${total}`,
      });
      const done = await child.result();
      events.done(subtractTotals(done, window.reported));
    } finally {
      open.splice(open.indexOf(window), 1);
      lease(window.lanes);
      steer();
    }
  };

  setHandler(windowSignal, (report) => {
    const window = open.find((one) => one.from === report.window);
    if (!window) return;
    window.reported = addTotals(window.reported, report.done);
    window.lanes -= report.freed;
    try {
      events.done(report.done);
      if (report.failure) events.failed(report.failure);
    } catch (error) {
      return fail(error);
    }
    if (report.busy) control.pause(report.busy);
    lease(report.freed);
    steer();
  });
  control.onChange(() => {
    const leased = open.reduce((sum, { lanes }) => sum + lanes, 0);
    lease(control.settings.concurrency - leased);
    steer();
  });

  lease(Math.min(control.settings.concurrency, MAX_LANES));
  await CancellationScope.nonCancellable(() => condition(() => open.length === 0));
  if (failed) throw failure;
}
