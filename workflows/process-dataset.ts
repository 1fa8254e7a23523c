import { CancellationScope, defineQuery, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { PROGRESS_QUERY } from '../src/contract.js';
import type { Inspected, RangeResult } from '../src/contract.js';
import type { JobProgress, JobResult } from '../src/core/job.js';
import type { PlanSummary, Retry } from '../src/core/plan.js';
import type { Totals } from '../src/core/progress.js';
import { activitiesPerRun, activityCount } from '../src/core/window.js';
import { heavy, local } from './activity-options.js';
import { JobControl } from './job-control.js';
import { JobLedger } from './job-ledger.js';
import { Lanes } from './lanes.js';
import { endedBy, jobTimedOut } from './outcome.js';
import { Patience } from './patience.js';
import { processRange } from './process-range.js';
import type { ActivityRules, RangeRules } from './process-range.js';
import { scheduledRun } from './scheduled-run.js';
import { stitch } from './stitch.js';
import { endOf, errorOf, tellEnd } from './tell-end.js';
import { processInWindows } from './windows.js';

const progressQuery = defineQuery<JobProgress>(PROGRESS_QUERY);

/**
 * One job, from the spec to the committed result. Its history holds references and sums only, at most
 * `activitiesPerRun` ranges (and the rests that `Patience` allows) or the windows of a bigger job, and never continues as new.
 * @param spec the job spec as a caller writes it
 * @param retry takes up what former runs of the job left
 */
export async function processDataset(spec: unknown, retry?: Retry): Promise<JobResult> {
  const ledger = new JobLedger();
  const control = new JobControl(ledger);
  setHandler(progressQuery, () => ledger.progress, { description: 'state, chunks, records and bytes of the job' });
  const { workflowId: job, startTime } = workflowInfo();
  try {
    const startedAt = startTime.toISOString();
    const inspection = { job, spec, retry, scheduled: scheduledRun(), startedAt };
    let plan = await local.inspect(inspection);
    if (plan.copies) {
      ledger.copying(plan);
      await heavyStep(plan, `copy ${plan.sourceLabel}`).copySource(inspection);
      plan = await local.inspect(inspection);
    }
    ledger.planned(plan);
    control.plan(plan);
    const result = plan.nothing ?? (await withinTime(plan, () => runPlan(job, plan, { ledger, control })));
    if (plan.nothing) ledger.enter(result.state);
    await tellEnd(spec, endOf(job, ledger.progress.name, result));
    return result;
  } catch (error) {
    const end = endedBy(error, CancellationScope.current().consideredCancelled);
    if (!end) throw error;
    ledger.enter(end.state);
    await CancellationScope.nonCancellable(async () => {
      await local.discard({ job, inline: ledger.inlinePlan, state: end.state });
      await tellEnd(spec, { id: job, name: ledger.progress.name || job, state: end.state, ...errorOf(end.failure) });
    });
    throw end.failure;
  }
}

interface Steering {
  ledger: JobLedger;
  control: JobControl;
}

async function runPlan(job: string, plan: Inspected, steering: Steering): Promise<JobResult> {
  const { ledger, control } = steering;
  const run = plan.retry?.run;
  if (plan.done) ledger.add(plan.done);
  const single = await processAll(job, plan, steering);
  if (plan.stitches) await stitch(job, plan, activityRules(control), (undo, done) => ledger.correct(undo, done));
  ledger.checkTolerance(true);

  await control.released();
  if (plan.reduces && !single?.reduced) {
    ledger.enter('reducing');
    ledger.reduced(
      await heavyStep(plan, `reduce ${plan.chunkCount} partials`).reduce({ job, inline: plan.inline, run }),
    );
  }

  await control.released();
  ledger.enter('committing');
  const commit = ledger.commitIsSmall ? local : heavyStep(plan, `commit ${plan.name}`);
  const startedAt = workflowInfo().startTime.toISOString();
  const result = await commit.commit({ job, inline: plan.inline, run, startedAt, receipt: single?.inline });
  ledger.enter(result.state);
  return result;
}

/** Runs every chunk. Returns the result of the only activity where there is just one. */
async function processAll(job: string, plan: Inspected, { ledger, control }: Steering): Promise<RangeResult | null> {
  const activities = activityCount(plan);
  if (activities > activitiesPerRun(plan)) {
    await processInWindows(job, plan, control, {
      done: (totals) => ledger.add(totals),
      failed: (failure) => ledger.failed(failure),
    });
    return null;
  }
  let last: RangeResult | null = null;
  const { todo } = plan;
  const count = todo?.length ?? activities;
  const add = (done: Totals) => ledger.add(done, lanes.running);
  const rules: RangeRules = {
    ...activityRules(control),
    patience: new Patience(plan, count),
    left: add,
    failed: (failure) => ledger.failed(failure),
  };
  const work = async (n: number) => {
    last = await processRange(job, plan, todo?.[n] ?? n, rules);
    add(last);
  };
  const lanes = new Lanes(0, count, work, control.pace);
  const openLanes = () => lanes.open(Math.min(control.settings.concurrency, count) - lanes.running);
  openLanes();
  control.onChange(openLanes);
  await lanes.done();
  return activities === 1 ? last : null;
}

function activityRules(control: JobControl): ActivityRules {
  return {
    pace: control.pace,
    settings: () => control.settings,
    pause: (reason) => void control.pause(reason),
  };
}

function heavyStep(plan: PlanSummary, summary: string) {
  return heavy(workflowInfo().taskQueue, plan, summary, { timeoutMs: plan.options.timeout.jobMs });
}

/** A timer of our own rather than the server's time-out, so that clean-up runs. */
async function withinTime<T>(plan: PlanSummary, run: () => Promise<T>): Promise<T> {
  const timer = new CancellationScope();
  const work = new CancellationScope();
  let late = false;
  const watch = timer
    .run(() => sleep(plan.options.timeout.jobMs, { summary: 'options.timeout.job' }))
    .then(
      () => {
        late = true;
        work.cancel();
      },
      () => undefined,
    );
  try {
    return await work.run(run);
  } catch (error) {
    throw late ? jobTimedOut(plan.options.timeout.jobMs) : error;
  } finally {
    timer.cancel();
    await watch;
  }
}
