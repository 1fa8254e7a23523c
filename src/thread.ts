/** Entry point of a worker thread: makes its dependencies once, then answers tasks. Nobody imports it; the pool names it. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { threadId, workerData as piscinaData } from 'node:worker_threads';
import type { Config } from './core/config.js';
import { MillraceError, messageOf } from './core/errors.js';
import { TaskControl } from './processors/control.js';
import type { ThreadAnswer, ThreadCall } from './processors/pool.js';
import { planCache } from './processors/range/context.js';
import type { ThreadContext } from './processors/range/context.js';
import { runRange } from './processors/range/run-range.js';
import type { Task } from './processors/range/range-run.js';
import { checkProcess, reducePartials, sampleParquet, toParquet } from './processors/range/steps.js';
import { loadRegistry } from './processors/registry.js';
import { createSqlEngine } from './processors/sql/sql-engine.js';
import type { SqlEngine } from './processors/sql/sql-engine.js';
import type { ThreadTasks } from './processors/tasks.js';
import { createFileStore } from './stores/file-store.js';
import { createWorkArea } from './stores/work-area.js';

// Piscina hands the worker's data over as the second of a pair.
const config = (Array.isArray(piscinaData) ? piscinaData[1] : piscinaData) as Config;

const context = makeContext();
// A failed start is answered to each task, as data; without this line it would end the thread instead.
context.catch(() => undefined);

async function makeContext(): Promise<ThreadContext> {
  const work = await createWorkArea(config.work);
  const scratch = path.join(config.scratch, `${process.pid}-${threadId}`);
  mkdirSync(scratch, { recursive: true });
  let engine: Promise<SqlEngine> | undefined;
  return {
    sources: createFileStore({ roots: config.roots, cwd: process.cwd() }),
    work,
    registry: await loadRegistry(config.processors),
    scratch,
    sql: () => (engine ??= createSqlEngine({ scratch, memoryBytes: config.sqlMemoryBytes })),
    plan: planCache(work),
  };
}

type Handlers = {
  [T in keyof ThreadTasks]: (
    context: ThreadContext,
    input: ThreadTasks[T]['input'],
    task: Task,
  ) => Promise<ThreadTasks[T]['output']> | ThreadTasks[T]['output'];
};

const handlers: Handlers = {
  describe: (made) => made.registry.list(),
  check: checkProcess,
  sampleParquet,
  process: runRange,
  reduce: reducePartials,
  toParquet,
};

const STOPPED = { code: 'job.cancelled', message: 'told to stop', issues: [], retryable: true };

/** How often a task looks whether it was asked to stop, for code that waits on a signal rather than polls. */
const STOP_POLL_MS = 100;

export default async function answer({ task, input, control: memory }: ThreadCall): Promise<ThreadAnswer> {
  const control = new TaskControl(memory);
  const abort = new AbortController();
  const poll = setInterval(() => {
    if (control.cancelled) abort.abort();
  }, STOP_POLL_MS);
  try {
    const handler = handlers[task] as (...args: unknown[]) => unknown;
    return { ok: true, output: await handler(await context, input, { control, signal: abort.signal }) };
  } catch (error) {
    // What a task throws after it was told to stop is no fault of its own.
    if (control.cancelled) return { ok: false, ...STOPPED };
    if (error instanceof MillraceError) {
      const { code, message, issues, retryable, retryAfterMs } = error;
      return { ok: false, code, message, issues, retryable, retryAfterMs };
    }
    return { ok: false, code: 'worker.failed', message: messageOf(error), issues: [], retryable: true };
  } finally {
    clearInterval(poll);
  }
}
