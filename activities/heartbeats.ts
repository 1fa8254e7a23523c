import { Context } from '@temporalio/activity';

/**
 * Beats while `run` runs, from a timer of the main thread: the work itself is in another thread or waits for I/O.
 * A local activity has nobody to beat for. `signal` is aborted when the attempt is cancelled, timed out or its worker shuts down.
 */
export async function withHeartbeats<T>(
  run: (signal: AbortSignal) => Promise<T>,
  progress: () => unknown = () => undefined,
): Promise<T> {
  const context = Context.current();
  const { info, cancellationSignal } = context;
  if (info.isLocal) return run(cancellationSignal);
  const every = Math.max(100, Math.min(1_000, (info.heartbeatTimeoutMs ?? 10_000) / 4));
  const beat = setInterval(() => context.heartbeat(progress()), every);
  context.heartbeat(progress());
  try {
    return await run(cancellationSignal);
  } finally {
    clearInterval(beat);
  }
}
