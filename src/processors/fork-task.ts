import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../core/config.js';
import { MillraceError } from '../core/errors.js';
import type { TaskControl } from './control.js';
import { entryPoint } from './entry-point.js';
import { HEAP_MB, STOP_GRACE_MS } from './limits.js';
import { tracedFiles, tracedUnit } from './record-trace.js';
import type { Death, DeathCode, RecordUnit, ThreadAnswer, ThreadTasks } from './tasks.js';

/** To a task process. */
export type ToTask = { type: 'run'; config: Config; task: keyof ThreadTasks; input: unknown } | { type: 'stop' };
/** From a task process. */
export type FromTask = { type: 'progress'; bytes: number; records: number } | { type: 'answer'; answer: ThreadAnswer };

/** After its end, for what it wrote last to arrive. */
const LAST_WORDS_MS = 1_000;
const LAST_WORDS_CHARS = 16 * 1024;

export interface ForkOptions {
  signal: AbortSignal;
  control: TaskControl;
  /** How long these records may be with the processor. */
  limitMs(unit: RecordUnit): number;
}

/**
 * Runs a task in a process of its own, with a memory limit: slower to begin than a thread by some tenths of a second, and
 * nothing that happens in it can hurt the worker. Its own errors are answers as a thread's are; its end without one is a death.
 */
export async function forkTask(
  config: Config,
  task: keyof ThreadTasks,
  input: unknown,
  { signal, control, limitMs }: ForkOptions,
): Promise<ThreadAnswer | Death> {
  const { filename, execArgv } = entryPoint('task-process');
  const child = fork(filename, [], {
    execArgv: [`--max-old-space-size=${HEAP_MB}`, ...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const scratch = path.join(config.scratch, `${child.pid}-0`);
  let stopTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    tell(child, { type: 'stop' });
    stopTimer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  };
  const stall = watchForStall(scratch, limitMs, () => child.kill('SIGKILL'));
  try {
    const lastWords = keepLastWords(child);
    const answered = answerOf(child, control);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    tell(child, { type: 'run', config, task, input });
    const answer = await answered;
    if (answer) return answer;
    await removeAll(tracedFiles(scratch));
    if (signal.aborted) throw new MillraceError('job.cancelled', 'the job was cancelled or the attempt given up');
    return { ...causeOf(child, lastWords(), stall.afterMs()), unit: tracedUnit(scratch) };
  } finally {
    stall.end();
    clearTimeout(stopTimer);
    signal.removeEventListener('abort', stop);
    await ended(child);
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A process that has just died cannot be told anything; that it died is seen elsewhere. */
function tell(child: ChildProcess, message: ToTask): void {
  if (child.connected) child.send(message, () => undefined);
}

/** Null where the process ended without an answer. */
function answerOf(child: ChildProcess, control: TaskControl): Promise<ThreadAnswer | null> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: FromTask) => {
      if (message.type === 'answer') resolve(message.answer);
      else control.report(message.bytes, message.records);
    });
    // Fork itself failed: no memory, no process numbers.
    child.on('error', (error) =>
      reject(
        new MillraceError('worker.no_process', `a process for a task could not be started: ${error.message}`, {
          retryable: true,
          cause: error,
        }),
      ),
    );
    child.once('close', () => resolve(null));
    // A process of its own that a processor has left behind may hold the pipes open.
    child.once('exit', () => setTimeout(() => resolve(null), LAST_WORDS_MS));
  });
}

function keepLastWords(child: ChildProcess): () => string {
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    process.stderr.write(chunk);
    text = (text + chunk).slice(-LAST_WORDS_CHARS);
  });
  return () => text;
}

function causeOf(
  { exitCode, signalCode }: ChildProcess,
  lastWords: string,
  stalledMs: number | null,
): { code: DeathCode; how: string } {
  if (stalledMs !== null) return { code: 'processor.stuck', how: `not done after ${stalledMs} ms` };
  if (/heap out of memory|heap limit/i.test(lastWords))
    return { code: 'processor.out_of_memory', how: `more than ${HEAP_MB} MB` };
  // Nobody here sent it: it is how the kernel takes memory back.
  if (signalCode === 'SIGKILL') return { code: 'processor.out_of_memory', how: 'ended by SIGKILL' };
  return { code: 'processor.crashed', how: signalCode ?? `exit code ${exitCode}` };
}

/** Calls `onStall` once the same records were with the processor for too long. Without records there is no limit. */
function watchForStall(
  scratch: string,
  limitMs: (unit: RecordUnit) => number,
  onStall: () => void,
): { afterMs(): number | null; end(): void } {
  let seen = '';
  let since = 0;
  let afterMs: number | null = null;
  const look = () => {
    const unit = tracedUnit(scratch);
    const now = unit ? `${unit.first}+${unit.count}` : '';
    if (now !== seen) {
      seen = now;
      since = Date.now();
    } else if (unit && Date.now() - since >= limitMs(unit)) {
      afterMs = limitMs(unit);
      clearInterval(timer);
      onStall();
    }
  };
  const timer = setInterval(look, LOOK_MS);
  return { afterMs: () => afterMs, end: () => clearInterval(timer) };
}

/** How exact a limit is. */
const LOOK_MS = 100;

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function removeAll(files: string[]): Promise<void> {
  for (const file of files) await rm(file, { force: true });
}
