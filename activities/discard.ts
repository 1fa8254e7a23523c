import type { PlanRef } from '../src/core/plan.js';
import type { Plan } from '../src/core/plan.js';
import { keys } from '../src/core/receipt.js';
import type { Dependencies } from './dependencies.js';

/** Removes what a failed or cancelled job left: its work area and what it had staged at its sink. */
export async function discard({ work, files }: Dependencies, { job, inline }: PlanRef): Promise<void> {
  const stored = inline ? null : await work.tryRead(keys.plan(job));
  const plan = inline ?? (stored ? (JSON.parse(stored.toString()) as Plan) : null);
  const sink = plan?.spec.sink;
  if (sink) {
    const target = await files.resolve(sink.uri, 'replace');
    await files.sweep(target, job);
  }
  await work.remove(keys.job(job));
}
