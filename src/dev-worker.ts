/** Entry point of the worker that `dev` starts as its child: waits for its settings, works, and never outlives `dev`. */
import type { Config } from './core/config.js';
import { MillraceError, messageOf } from './core/errors.js';
import { startWorker, type RunningWorker } from './worker.js';

/** From `dev` to its worker. */
export type ToWorker = { type: 'start'; config: Config } | { type: 'stop' };
/** From the worker to `dev`. */
export type FromWorker = { type: 'ready' } | { type: 'failed'; code: string; message: string };

const LAST_RESORT_MS = 15_000;

process.title = 'millrace worker';
let worker: RunningWorker | undefined;
let stopping = false;

function end(code: number): void {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(code || 1), LAST_RESORT_MS).unref();
  void Promise.resolve(worker?.stop())
    .catch((error: unknown) => console.error(messageOf(error)))
    .finally(() => process.exit(code));
}

process.on('message', (message: ToWorker) => {
  if (message.type === 'stop') return end(0);
  startWorker(message.config).then(
    (running) => {
      worker = running;
      if (stopping) return void running.stop().finally(() => process.exit(0));
      process.send?.({ type: 'ready' } satisfies FromWorker);
      running.done.then(
        () => end(0),
        (error: unknown) => {
          console.error(messageOf(error));
          end(1);
        },
      );
    },
    (error: unknown) => {
      console.error(error);
      const code = error instanceof MillraceError ? error.code : 'worker.failed';
      process.send?.({ type: 'failed', code, message: messageOf(error) } satisfies FromWorker, () => process.exit(1));
    },
  );
});

// The channel closes when `dev` is gone, even by SIGKILL.
process.on('disconnect', () => end(0));
process.on('SIGTERM', () => end(0));
process.on('SIGINT', () => end(0));
