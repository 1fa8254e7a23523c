import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Config } from '../core/config.js';
import { MillraceError, messageOf } from '../core/errors.js';
import type { Issue } from '../core/errors.js';
import { TaskControl } from './control.js';
import type { ThreadTasks } from './tasks.js';

export interface ThreadPool {
  /**
   * Runs a task in a thread. After `signal` the task is asked to stop, and its thread is ended when it does not.
   * @throws MillraceError what the task threw; `worker.thread_lost` (retryable) when its thread died
   */
  run<T extends keyof ThreadTasks>(
    task: T,
    input: ThreadTasks[T]['input'],
    options?: { signal?: AbortSignal; control?: TaskControl },
  ): Promise<ThreadTasks[T]['output']>;
  close(): Promise<void>;
}

/** What crosses to a thread, and back: errors as data, because structured clone strips their fields. */
export interface ThreadCall {
  task: keyof ThreadTasks;
  input: unknown;
  control: SharedArrayBuffer;
}

export type ThreadAnswer =
  { ok: true; output: unknown } | { ok: false; code: string; message: string; issues: Issue[]; retryable: boolean };

/** A thread that was asked to stop gets this long before it is ended. */
const STOP_GRACE_MS = 5_000;
/** A thread whose heap outgrows this dies alone; the worker lives on. */
const THREAD_HEAP_MB = 1024;

/**
 * Threads that compute chunks, so that the event loop of the worker stays free for heartbeats and cancellation.
 * One more than `config.threads`: the slot of small jobs; and one for short checks.
 */
export function createThreadPool(config: Config): ThreadPool {
  const size = config.threads + 2;
  const { filename, execArgv } = threadEntry();
  const pool = new Piscina({
    filename,
    execArgv,
    workerData: config,
    minThreads: size,
    maxThreads: size,
    idleTimeout: Infinity,
    concurrentTasksPerWorker: 1,
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
  });

  // A thread that dies between tasks has nobody to tell; unheard, its error would end the worker.
  pool.on('error', (error) => console.error(`a worker thread ended: ${messageOf(error)}`));

  return {
    async run(task, input, { signal, control = new TaskControl() } = {}) {
      const end = new AbortController();
      let timer: NodeJS.Timeout | undefined;
      const onAbort = () => {
        control.cancel();
        timer = setTimeout(() => end.abort(), STOP_GRACE_MS);
      };
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        const call: ThreadCall = { task, input, control: control.memory };
        const answer = (await pool.run(call, { signal: end.signal })) as ThreadAnswer;
        if (answer.ok) return answer.output as ThreadTasks[typeof task]['output'];
        throw new MillraceError(answer.code, answer.message, answer);
      } catch (error) {
        if (error instanceof MillraceError) throw error;
        throw new MillraceError(
          'worker.thread_lost',
          `the thread of task "${task}" ended before its work: ${messageOf(error)}`,
          {
            retryable: true,
            cause: error,
          },
        );
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      }
    },

    close: () => pool.close({ force: true }),
  };
}

/** The thread's entry point: compiled beside this file, or its source when this runs from source. */
function threadEntry(): { filename: string; execArgv: string[] } {
  const compiled = fileURLToPath(new URL('../thread.js', import.meta.url));
  if (existsSync(compiled)) return { filename: compiled, execArgv: [] };
  return { filename: fileURLToPath(new URL('../thread.ts', import.meta.url)), execArgv: ['--import', 'tsx'] };
}
