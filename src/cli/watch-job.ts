import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../core/errors.js';
import { isEndState, type JobView } from '../core/job.js';
import type { ApiClient } from './api-client.js';
import { writeLine, type Io } from './io.js';
import { progressLine } from './progress-line.js';
import type { Style } from './style.js';

export interface WatchOptions {
  io: Io;
  style: Style;
  /** Show nothing where standard error is no terminal. */
  quiet?: boolean;
  label?: string;
}

const POLL = { firstMs: 200, factor: 1.25, maxMs: 1000 };
/** A restart of the API does not end the watch. */
const PATIENCE_MS = 60_000;

/** Follows a job to its end on standard error. Null when Ctrl-C ended the watching; the job itself goes on. */
export async function watchJob(client: ApiClient, id: string, options: WatchOptions): Promise<JobView | null> {
  const { io, style, quiet = false, label } = options;
  const line = progressLine(io.stderr, { style, ...(label === undefined ? {} : { label }) });
  const shown = !quiet || io.stderr.isTTY === true;
  const interrupt = new AbortController();
  const stopListening = io.onInterrupt(() => interrupt.abort());
  let wait = POLL.firstMs;
  let silentSince: number | null = null;
  try {
    for (;;) {
      const job = await client.job(id).catch((error: unknown) => {
        silentSince ??= Date.now();
        const patient = error instanceof MillraceError && error.retryable && Date.now() - silentSince < PATIENCE_MS;
        if (!patient) throw error;
        return null;
      });
      if (interrupt.signal.aborted) return null;
      if (job) {
        silentSince = null;
        if (isEndState(job.state)) return job;
        if (shown) line.show(job);
      }
      const interrupted = await sleep(wait, false, { signal: interrupt.signal }).catch(() => true);
      if (interrupted) return null;
      wait = Math.min(POLL.maxMs, wait * POLL.factor);
    }
  } finally {
    stopListening();
    line.clear();
  }
}

/** What is said when Ctrl-C ended the watching. */
export function tellJobGoesOn(io: Io, id: string): void {
  writeLine(io.stderr, `The job goes on. Follow it again: millrace jobs watch ${id}`);
  writeLine(io.stderr, `                  Cancel it: millrace jobs cancel ${id}`);
}
