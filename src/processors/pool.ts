import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Config } from '../core/config.js';
import { MillraceError, messageOf } from '../core/errors.js';
import type { Issue } from '../core/errors.js';
import { TaskControl } from './control.js';
import type { ThreadTasks } from './tasks.js';

/** `chunks`: the work of big jobs, on as many threads as are configured. `short`: checks and small jobs, which never wait for it. */
export type Lane = 'chunks' | 'short';

export interface ThreadPool {
  /**
   * Runs a task in a thread, in turn. After `signal` the task is asked to stop, and its thread is ended when it does not.
   * @param options.lane default: `short`
   * @throws MillraceError what the task threw; `worker.thread_lost` (retryable) when its thread died
   */
  run<T extends keyof ThreadTasks>(
    task: T,
    input: ThreadTasks[T]['input'],
    options?: { signal?: AbortSignal; control?: TaskControl; lane?: Lane },
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
  | { ok: true; output: unknown }
  | { ok: false; code: string; message: string; issues: Issue[]; retryable: boolean; retryAfterMs?: number };

/** A thread that was asked to stop gets this long before it is ended. */
const STOP_GRACE_MS = 5_000;
/** A thread whose heap outgrows this dies alone; the worker lives on. */
const THREAD_HEAP_MB = 1024;

/** The slot of small jobs, and one for checks. */
const SHORT_THREADS = 2;

/** Threads that compute, so that the event loop of the worker stays free for heartbeats and cancellation. */
export function createThreadPool(config: Config): ThreadPool {
  const lanes: Record<Lane, Piscina> = {
    chunks: threads(config, config.threads),
    short: threads(config, SHORT_THREADS),
  };

  return {
    async run(task, input, { signal, control = new TaskControl(), lane = 'short' } = {}) {
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
        const answer = (await lanes[lane].run(call, { signal: end.signal })) as ThreadAnswer;
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

    async close() {
      await Promise.all(Object.values(lanes).map((pool) => pool.close({ force: true })));
    },
  };
}

function threads(config: Config, count: number): Piscina {
  const { filename, execArgv } = threadEntry();
  const pool = new Piscina({
    filename,
    execArgv,
    workerData: config,
    minThreads: count,
    maxThreads: count,
    idleTimeout: Infinity,
    concurrentTasksPerWorker: 1,
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
  });
  // A thread that dies between tasks has nobody to tell; unheard, its error would end the worker.
  pool.on('error', (error) => console.error(`a worker thread ended: ${messageOf(error)}`));
  return pool;
}

/** The thread's entry point: compiled beside this file, or its source when this runs from source. */
function threadEntry(): { filename: string; execArgv: string[] } {
  const compiled = fileURLToPath(new URL('../thread.js', import.meta.url));
  if (existsSync(compiled)) return { filename: compiled, execArgv: [] };
  return { filename: fileURLToPath(new URL('../thread.ts', import.meta.url)), execArgv: ['--import', 'tsx'] };
}
