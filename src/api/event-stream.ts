import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Caller } from './admit.js';
import type { JobEvent, JobWatch } from './job-watch.js';

const KEEP_ALIVE_MS = 15_000;
/** How long a browser waits before it connects again. */
const RECONNECT_MS = 2000;

/**
 * The events of a job as `text/event-stream`, to its end. A watcher that reads slowly is told less often: what it has not
 * taken yet gives way to what is newer.
 */
export function streamEvents(
  c: Context,
  watch: JobWatch,
  {
    id,
    seen,
    closing,
    caller,
    opened = () => () => undefined,
  }: {
    id: string;
    seen?: string;
    closing?: AbortSignal;
    caller: Pick<Caller, 'holds'>;
    /** Told that there is a stream; what it returns, that there is one no more. */
    opened?: () => () => void;
  },
): Response {
  return streamSSE(c, async (stream) => {
    const closed = opened();
    const waiting = new Map<'standing' | 'trouble', JobEvent>();
    let wake = () => {};
    const stop = watch.watch(id, seen, (event) => {
      waiting.set(event.type === 'trouble' ? 'trouble' : 'standing', event);
      wake();
    });
    const over = () => stream.aborted || closing?.aborted === true;
    const end = () => wake();
    stream.onAbort(end);
    closing?.addEventListener('abort', end);
    try {
      await stream.write(`retry: ${RECONNECT_MS}\n\n`);
      let checked = Date.now();
      while (!over()) {
        if (Date.now() - checked >= KEEP_ALIVE_MS) {
          // The browser comes again, and is told why it may not.
          if (!(await caller.holds())) return;
          checked = Date.now();
        }
        for (const [kind, event] of waiting) {
          waiting.delete(kind);
          if (event.type === 'trouble') {
            await stream.writeSSE({ event: 'trouble', data: JSON.stringify(event.error) });
            if (event.last) return;
          } else {
            await stream.writeSSE({ event: event.type, id: event.id, data: JSON.stringify(event.job) });
            if (event.type === 'end') return;
          }
        }
        if (waiting.size > 0) continue;
        const quiet = await new Promise<boolean>((resolve) => {
          const timer = setTimeout(() => resolve(true), KEEP_ALIVE_MS);
          wake = () => {
            clearTimeout(timer);
            resolve(false);
          };
          // What came while the last event was written has woken nobody.
          if (waiting.size > 0 || over()) wake();
        });
        if (quiet) await stream.write(': keep-alive\n\n');
      }
    } finally {
      closed();
      closing?.removeEventListener('abort', end);
      stop();
    }
  });
}
