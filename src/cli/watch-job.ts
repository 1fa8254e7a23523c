import type { JobView } from '../core/job.js';
import type { ApiClient } from './api-client.js';
import { followToEnd, patience } from './follow-to-end.js';
import { wrap } from './format.js';
import { widthOf, writeLine, type Io } from './io.js';
import { progressLine } from './progress-line.js';
import type { Style } from './style.js';

export interface WatchOptions {
  io: Io;
  style: Style;
  /** Show nothing where standard error is no terminal. */
  quiet?: boolean;
  label?: string;
}

/** Follows a job to its end on standard error. Null when Ctrl-C ended the watching; the job itself goes on. */
export async function watchJob(client: ApiClient, id: string, options: WatchOptions): Promise<JobView | null> {
  const { io, style, quiet = false, label } = options;
  const line = progressLine(io.stderr, { style, ...(label === undefined ? {} : { label }) });
  const shown = !quiet || io.stderr.isTTY === true;
  const interrupt = new AbortController();
  const stopListening = io.onInterrupt(() => interrupt.abort());
  const say = (text: string): void => {
    line.clear();
    if (shown) writeLine(io.stderr, style.yellow(wrap(text, widthOf(io.stderr))));
  };
  try {
    return await followToEnd(client, id, {
      signal: interrupt.signal,
      patience: patience(say),
      show: (job) => {
        if (shown) line.show(job);
      },
    });
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
