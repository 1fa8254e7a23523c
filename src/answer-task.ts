/** What a worker thread and a task process share: dependencies made once, then tasks answered. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import type { Config } from './core/config.js';
import { MillraceError, asMillraceError, messageOf } from './core/errors.js';
import type { TaskControl } from './processors/control.js';
import type { ThreadAnswer, ThreadCall, ThreadTasks } from './processors/tasks.js';
import { planCache } from './processors/range/context.js';
import type { ThreadContext } from './processors/range/context.js';
import { copyPages } from './processors/range/copy-pages.js';
import { copyRange } from './processors/range/copy-range.js';
import { probeRange, runRange } from './processors/range/run-range.js';
import type { Task } from './processors/range/range-run.js';
import { SpareFile } from './processors/range/spare-file.js';
import { checkProcess, columnsOfParts, reducePartials, sampleParquet, toParquet } from './processors/range/steps.js';
import type { RecordTrace } from './processors/record-trace.js';
import type { Registry } from './processors/registry.js';
import { createSqlEngine } from './processors/sql/sql-engine.js';
import type { SqlEngine } from './processors/sql/sql-engine.js';
import { createStores } from './stores/stores.js';
import type { WorkArea } from './stores/port.js';
import { openWorkArea } from './stores/open-work-area.js';

/** The folder of this thread, or of the only thread of this process. */
export function scratchOf(config: Config): string {
  const scratch = path.join(config.scratch, `${process.pid}-${threadId}`);
  mkdirSync(scratch, { recursive: true });
  return scratch;
}

async function makeContext(config: Config, scratch: string, trace?: RecordTrace): Promise<ThreadContext> {
  const area = await openWorkArea(config);
  const work = trace ? tracing(area, trace) : area;
  let loaded: Promise<Registry> | undefined;
  const registry = () =>
    (loaded ??= import('./processors/registry.js').then(({ loadRegistry }) => loadRegistry(config.processors)));
  // The threads of a worker load what lies there when it starts, whatever is put there later. A task process has one task.
  if (!trace) registry().catch(() => undefined);
  let engine: Promise<SqlEngine> | undefined;
  return {
    sources: createStores(config, process.cwd(), area),
    work,
    registry,
    scratch,
    sql: () => (engine ??= createSqlEngine({ scratch, memoryBytes: config.sqlMemoryBytes })),
    spare: new SpareFile(path.join(scratch, 'spare')),
    plan: planCache(work),
    trace,
  };
}

/** A process that may be ended at any moment tells first what it would leave behind. */
function tracing(work: WorkArea, trace: RecordTrace): WorkArea {
  return {
    ...work,
    async scratchFile(hint) {
      const file = await work.scratchFile(hint);
      trace.file(file);
      return file;
    },
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
  describe: async (made) => (await made.registry()).list(),
  check: checkProcess,
  sampleParquet,
  process: runRange,
  probe: probeRange,
  reduce: reducePartials,
  columnsOfParts,
  toParquet,
  copyRange,
  copyPages,
};

const STOPPED = { code: 'job.cancelled', message: 'told to stop', issues: [], retryable: true };

/** How often a task looks whether it was asked to stop, for code that waits on a signal rather than polls. */
const STOP_POLL_MS = 100;

export type AnswerTask = (call: Pick<ThreadCall, 'task' | 'input'>, control: TaskControl) => Promise<ThreadAnswer>;

/** @param trace where a task process leaves word; a thread has none */
export function taskAnswerer(config: Config, scratch: string, trace?: RecordTrace): AnswerTask {
  const context = makeContext(config, scratch, trace);
  // A failed start is answered to each task, as data; without this line it would end the thread instead.
  context.catch(() => undefined);

  // Unheard, a rejection that nobody awaits ends the thread, and with it whatever answer the task had.
  const strays: unknown[] = [];
  process.on('unhandledRejection', (error) => {
    console.error(`a promise that nobody awaited was rejected: ${messageOf(error)}`);
    strays.push(error);
  });

  return async ({ task, input }, control) => {
    strays.length = 0;
    const abort = new AbortController();
    const poll = setInterval(() => {
      if (control.cancelled) abort.abort();
    }, STOP_POLL_MS);
    try {
      const handler = handlers[task] as (...args: unknown[]) => unknown;
      const output = await handler(await context, input, { control, signal: abort.signal });
      if (strays.length > 0) throw lostPromise(task, strays[0]);
      return { ok: true, output };
    } catch (error) {
      // What a task throws after it was told to stop is no fault of its own.
      if (control.cancelled) return { ok: false, ...STOPPED };
      const { code, message, issues, retryable, retryAfterMs } = asMillraceError(error);
      return { ok: false, code, message, issues, retryable, retryAfterMs };
    } finally {
      clearInterval(poll);
    }
  };
}

/** Part of the work failed and its result did not: a task whose own code threw has said more, and says it itself. */
function lostPromise(task: string, error: unknown): MillraceError {
  return new MillraceError(
    'processor.failed',
    `task "${task}" left a promise behind that nobody awaited, and it was rejected: ${messageOf(error)}; await it`,
    { retryable: true, cause: error },
  );
}
