import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../core/errors.js';
import { isEndState, type JobView } from '../core/job.js';
import type { ApiClient } from './api-client.js';

const POLL = { firstMs: 200, factor: 1.25, maxMs: 1000 };
/** A restart of the API does not end the watch. */
const PATIENCE_MS = 60_000;

/** How long an API that has answered and does so no more is borne, by all who ask it together. */
export interface Patience {
  answered(): void;
  /** @throws what it is given, where it does not pass or has lasted too long */
  bear(error: unknown): void;
}

/** @param say hears once that there is no answer, until there is one again */
export function patience(say: (text: string) => void, now: () => number = Date.now): Patience {
  let everAnswered = false;
  let silentSince: number | null = null;
  return {
    answered() {
      everAnswered = true;
      silentSince = null;
    },
    bear(error) {
      if (!(error instanceof MillraceError) || !error.retryable || !everAnswered) throw error;
      if (silentSince === null) say(`${error.message}. Asking again for ${PATIENCE_MS / 1000} s`);
      silentSince ??= now();
      if (now() - silentSince >= PATIENCE_MS) throw error;
    },
  };
}

export interface FollowOptions {
  signal: AbortSignal;
  patience: Patience;
  /** Told how the job stands while it is open. */
  show(job: JobView): void;
  /** The longest pause between two questions; default: a second. */
  maxMs?: number;
}

/** Asks for a job until it has ended. Null where the signal ended the asking; the job itself goes on. */
export async function followToEnd(client: ApiClient, id: string, options: FollowOptions): Promise<JobView | null> {
  const { signal, patience: borne, show, maxMs = POLL.maxMs } = options;
  let wait = POLL.firstMs;
  for (;;) {
    const job = await client.job(id).catch((error: unknown) => {
      borne.bear(error);
      return null;
    });
    if (signal.aborted) return null;
    if (job) {
      borne.answered();
      if (isEndState(job.state)) return job;
      show(job);
    }
    const interrupted = await sleep(wait, false, { signal }).catch(() => true);
    if (interrupted) return null;
    wait = Math.min(maxMs, wait * POLL.factor);
  }
}
