import type { Dependencies } from './dependencies.js';
import { discard } from './discard.js';

/** What was at work for a job when it was ended from outside has found out by then. */
const AFTER_MS = 10 * 60_000;

/**
 * A job that was terminated, or ran out of its time, has said nothing of its end. What it staged at its sink is removed, its
 * files are free for other runs, and from now on its folder is kept as long as it asked for: a retry may still take it up.
 * @param to.endedBefore whether the server knows that a job ended before a moment
 */
export async function settle(
  to: Pick<Dependencies, 'work' | 'files'> & { endedBefore(job: string, moment: Date): Promise<boolean> },
  job: string,
  now = Date.now(),
): Promise<void> {
  if (await to.endedBefore(job, new Date(now - AFTER_MS))) await discard(to, { job });
}
