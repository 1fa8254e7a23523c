import { SQL } from '../registry.js';
import type { ProcessInput, ProcessOutput } from '../tasks.js';
import type { ThreadContext } from './context.js';
import { mendOnly, mendedReceipt } from './mend.js';
import { newRun } from './range-run.js';
import type { Task } from './range-run.js';
import { runProcessor } from './run-processor.js';
import { runSql } from './run-sql.js';

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
  const { part, reduced } = await (plan.spec.process.use === SQL ? runSql(run) : runProcessor(run)).catch(
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
