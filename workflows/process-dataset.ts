import { CancellationScope, defineQuery, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { PROGRESS_QUERY } from '../src/contract.js';
import type { Inspected, RangeResult } from '../src/contract.js';
import type { JobProgress, JobResult } from '../src/core/job.js';
import type { PlanSummary, Retry } from '../src/core/plan.js';
import { MAX_ACTIVITIES_PER_RUN, activityCount } from '../src/core/window.js';
import { heavy, local } from './activity-options.js';
import { JobLedger } from './job-ledger.js';
import { Lanes } from './lanes.js';
import { endedBy, jobTimedOut } from './outcome.js';
import { processRange, runRange } from './process-range.js';
import { processInWindows } from './windows.js';

const progressQuery = defineQuery<JobProgress>(PROGRESS_QUERY);

/**
 * One job, from the spec to the committed result. Its history holds references and sums only, at most
 * `MAX_ACTIVITIES_PER_RUN` activities or the windows of a bigger job, and never continues as new.
 * @param spec the job spec as a caller writes it
 * @param retry takes up what former runs of the job left
 */
export async function processDataset(spec: unknown, retry?: Retry): Promise<JobResult> {
  const ledger = new JobLedger();
  setHandler(progressQuery, () => ledger.progress, { description: 'state, chunks, records and bytes of the job' });
  const job = workflowInfo().workflowId;
  try {
    const plan = await local.inspect({ job, spec, retry });
    ledger.planned(plan);
    return await withinTime(plan, () => runPlan(job, plan, ledger));
  } catch (error) {
    const end = endedBy(error, CancellationScope.current().consideredCancelled);
    if (!end) throw error;
    ledger.enter(end.state);
    await CancellationScope.nonCancellable(() => local.discard({ job, inline: ledger.inlinePlan, state: end.state }));
    throw end.failure;
  }
}

async function runPlan(job: string, plan: Inspected, ledger: JobLedger): Promise<JobResult> {
  const run = plan.retry?.run;
  if (plan.done) ledger.add(plan.done);
  const single = await processAll(job, plan, ledger);
  if (plan.stitches) await stitch(job, plan, ledger);
  ledger.checkTolerance(true);

  if (plan.reduces && !single?.reduced) {
    ledger.enter('reducing');
    ledger.reduced(
      await heavyStep(plan, `reduce ${plan.chunkCount} partials`).reduce({ job, inline: plan.inline, run }),
    );
  }

  ledger.enter('committing');
  const commit = ledger.commitIsSmall ? local : heavyStep(plan, `commit ${plan.name}`);
  const startedAt = workflowInfo().startTime.toISOString();
  const result = await commit.commit({ job, inline: plan.inline, run, startedAt, receipt: single?.inline });
  ledger.enter(result.state);
  return result;
}

/** Runs every chunk. Returns the result of the only activity where there is just one. */
async function processAll(job: string, plan: Inspected, ledger: JobLedger): Promise<RangeResult | null> {
  const activities = activityCount(plan);
  if (activities > MAX_ACTIVITIES_PER_RUN) {
    await processInWindows(job, plan, (done) => ledger.add(done));
    return null;
  }
  let last: RangeResult | null = null;
  const { todo } = plan;
  const count = todo?.length ?? activities;
  const lanes = new Lanes(0, count, async (n) => {
    last = await processRange(job, plan, todo?.[n] ?? n);
    ledger.add(last, lanes.running);
  });
  lanes.open(Math.min(plan.concurrency, count));
  await lanes.done();
  return activities === 1 ? last : null;
}

/** Runs again the ranges whose first record was guessed wrong, until all ranges join. */
async function stitch(job: string, plan: PlanSummary, ledger: JobLedger): Promise<void> {
  for (;;) {
    const restarts = await local.stitch({ job });
    if (restarts.length === 0) return;
    for (const { undo, ...range } of restarts) {
      ledger.correct(undo, await runRange(plan, { job, ...range }));
    }
  }
}

function heavyStep(plan: PlanSummary, summary: string) {
  return heavy(workflowInfo().taskQueue, plan, summary, plan.options.timeout.jobMs);
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
