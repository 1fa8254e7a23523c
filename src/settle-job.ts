import type { Client } from '@temporalio/client';
import type { Dependencies } from '../activities/dependencies.js';
import { discard } from '../activities/discard.js';
import { endedBefore } from './temporal/is-open.js';

/** What was at work for a job when it was ended from outside has found out by then. */
const AFTER_MS = 10 * 60_000;

/**
 * A job that was terminated, or ran out of its time, has said nothing of its end. What it staged at its sink is removed, its
 * files are free for other runs, and from now on its folder is kept as long as it asked for: a retry may still take it up.
 */
export async function settleJob(
  { client, work, files }: Pick<Dependencies, 'work' | 'files'> & { client: Client },
  job: string,
  now = Date.now(),
): Promise<void> {
  if (await endedBefore(client, job, new Date(now - AFTER_MS))) await discard({ work, files }, { job });
}
