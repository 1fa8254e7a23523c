import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { LogEntry } from '@temporalio/worker';
import type { Log } from './log.js';

let installed = false;

/**
 * What the SDK says goes into the log of the process, with the ids of jobs and activities that it knows. Once: a process has one
 * runtime, and its first log keeps it.
 * @param metrics `host:port` where the SDK tells its own
 */
export function installRuntime(log: Log, metrics: string | undefined): void {
  if (installed) return;
  installed = true;
  const at = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
  const tell = ({ level, message, meta }: LogEntry) => {
    // The workers of chunks and notices have none, as they are meant to.
    if (message.startsWith('No workflows registered')) return;
    const { workflowId: job, error: err, ...more } = (meta ?? {}) as Record<string, unknown>;
    log[at[level]]({ ...(job !== undefined && { job }), ...more, ...(err !== undefined && { err }) }, message);
  };
  Runtime.install({
    logger: new DefaultLogger(log.isLevelEnabled('debug') ? 'DEBUG' : 'WARN', tell),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...(metrics !== undefined && { metrics: { prometheus: { bindAddress: metrics } } }),
    },
  });
}
