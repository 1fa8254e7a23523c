import type { DiscardInput } from '../src/contract.js';
import type { Plan } from '../src/core/plan.js';
import { keys } from '../src/core/receipt.js';
import type { Dependencies } from './dependencies.js';
import { writeEnded } from './ended.js';
import { releaseFiles } from './increment.js';

/**
 * Removes what a failed or cancelled job had staged at its sink. Its plan, receipts and parts stay until retention takes
 * them: a retry begins there.
 */
export async function discard(
  { work, files }: Pick<Dependencies, 'work' | 'files'>,
  { job, inline, state = 'failed' }: DiscardInput,
): Promise<void> {
  const stored = inline ? null : await work.tryRead(keys.plan(job));
  const plan = inline ?? (stored ? (JSON.parse(stored.toString()) as Plan) : null);
  if (plan) await releaseFiles({ work }, plan);
  const sink = plan?.spec.sink;
  if (sink) {
    const target = await files.resolve(sink.uri, 'replace');
    await files.sweep(target, job);
  }
  await writeEnded(work, job, { state, at: new Date(), retention: plan?.spec.options.retention });
}
