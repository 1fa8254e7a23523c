import { Piscina } from 'piscina';
import type { Config } from '../core/config.js';
import { MillraceError, messageOf } from '../core/errors.js';
import { TaskControl } from './control.js';
import { entryPoint } from './entry-point.js';
import { forkTask } from './fork-task.js';
import type { ForkOptions } from './fork-task.js';
import { HEAP_MB, STOP_GRACE_MS } from './limits.js';
import type { Death, ThreadAnswer, ThreadCall, ThreadTasks } from './tasks.js';

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
  /**
   * Runs a task in a process of its own, which may end in any way: that is answered as a death.
   * @throws MillraceError what the task threw; `job.cancelled` after `signal`
   */
  runForked<T extends keyof ThreadTasks>(
    task: T,
    input: ThreadTasks[T]['input'],
    options: ForkOptions,
  ): Promise<{ output: ThreadTasks[T]['output'] } | { death: Death }>;
  /** Settles when a thread could not be ended: it is inside native code, and this process will never be rid of it. */
  readonly stuck: Promise<void>;
  close(): Promise<void>;
}

/** A thread that was ended and has not gone by then never will. */
const THREAD_END_MS = 5_000;

/** The slot of small jobs, and one for checks. */
const SHORT_THREADS = 2;

/** Threads that compute, so that the event loop of the worker stays free for heartbeats and cancellation. */
export function createThreadPool(config: Config): ThreadPool {
  const lanes: Record<Lane, Piscina> = {
    chunks: threads(config, config.threads),
    short: threads(config, SHORT_THREADS),
  };
  let tellStuck: () => void;
  const stuck = new Promise<void>((resolve) => (tellStuck = resolve));

  /** Ends the thread of a task, and sees to it that it goes: one inside native code hears nothing. */
  function endThread(pool: Piscina, end: AbortController): void {
    const before = pool.threads;
    end.abort();
    const kept = new Set(pool.threads);
    for (const thread of before.filter((one) => !kept.has(one))) {
      const timer = setTimeout(tellStuck, THREAD_END_MS);
      thread.once('exit', () => clearTimeout(timer));
    }
  }

  return {
    stuck,

    async run(task, input, { signal, control = new TaskControl(), lane = 'short' } = {}) {
      const end = new AbortController();
      let timer: NodeJS.Timeout | undefined;
      const onAbort = () => {
        control.cancel();
        timer = setTimeout(() => endThread(lanes[lane], end), STOP_GRACE_MS);
      };
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        const call: ThreadCall = { task, input, control: control.memory };
        const answer = (await lanes[lane].run(call, { signal: end.signal })) as ThreadAnswer;
        return outputOf<typeof task>(answer);
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

    async runForked(task, input, options) {
      const end = await forkTask(config, task, input, options);
      return 'ok' in end ? { output: outputOf<typeof task>(end) } : { death: end };
    },

    async close() {
      await Promise.all(Object.values(lanes).map((pool) => pool.close({ force: true })));
    },
  };
}

function outputOf<T extends keyof ThreadTasks>(answer: ThreadAnswer): ThreadTasks[T]['output'] {
  if (answer.ok) return answer.output as ThreadTasks[T]['output'];
  throw new MillraceError(answer.code, answer.message, answer);
}

function threads(config: Config, count: number): Piscina {
  const { filename, execArgv } = entryPoint('thread');
  const pool = new Piscina({
    filename,
    execArgv,
    workerData: config,
    minThreads: count,
    maxThreads: count,
    idleTimeout: Infinity,
    concurrentTasksPerWorker: 1,
    // Else an idle thread stands still, with all its timers and connections.
    atomics: 'async',
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  // A thread that dies between tasks has nobody to tell; unheard, its error would end the worker.
  pool.on('error', (error) => console.error(`a worker thread ended: ${messageOf(error)}`));
  return pool;
}
