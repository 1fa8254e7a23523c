import { SQL } from '../define.js';
import type { ProbeInput, ProcessInput, ProcessOutput } from '../tasks.js';
import type { ThreadContext } from './context.js';
import { mendOnly, mendedReceipt } from './mend.js';
import { newRun } from './range-run.js';
import type { Task } from './range-run.js';
import { probeRecords, runProcessor } from './run-processor.js';
import { runSql } from './run-sql.js';
import { Watch } from './watch.js';

/** Runs the chunks `[from, to)` of a plan, leaving private files and the receipt that will publish them. */
export async function runRange(
  context: ThreadContext,
  input: ProcessInput,
  { control, signal }: Task,
): Promise<ProcessOutput> {
  const plan = await context.plan(input);
  const run = await newRun(context, plan, input, control, signal);
  const { mend } = input;
  if (mend) await mendOnly(run, input, mend);
  const { receipt, rejects } = run;
  const watch = context.trace && new Watch(context.trace, input.poison ?? []);
  const { part, reduced } = await (plan.spec.process.use === SQL ? runSql(run) : runProcessor(run, watch)).catch(
    (error: unknown) => {
      rejects.discard();
      throw error;
    },
  );
  receipt.counts.rejected = rejects.records;
  receipt.counts.in = receipt.counts.used + receipt.counts.filtered + receipt.counts.rejected;
  receipt.firstReject = rejects.first;
  if (reduced) receipt.reduced = true;
  return { receipt: mend ? mendedReceipt(mend, receipt) : receipt, part, rejects: rejects.close() };
}

/** Gives the records of `unit` to the processor, each alone. That it returns is the answer. */
export async function probeRange(context: ThreadContext, input: ProbeInput, { control, signal }: Task): Promise<null> {
  // At no pace: the records before the unit are passed over, and cost whatever the processor calls nothing.
  const unpaced = { ...input, recordsPerSecond: undefined };
  const run = await newRun(context, await context.plan(input), unpaced, control, signal);
  if (input.mend) await mendOnly(run, input, input.mend);
  try {
    await probeRecords(run, new Watch(context.trace!, input.poison ?? [], input.unit));
  } finally {
    run.rejects.discard();
  }
  return null;
}
