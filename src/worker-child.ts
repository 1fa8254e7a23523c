import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from './core/config.js';
import { MillraceError } from './core/errors.js';
import type { FromWorker, ToWorker } from './dev-worker.js';

export interface WorkerChild {
  /** Gives the worker its settings; resolves when it works. Rejects with its own error where it cannot start. */
  begin(config: Config): Promise<void>;
  stop(): Promise<void>;
}

export interface WorkerChildOptions {
  env: Record<string, string | undefined>;
  /** What the worker prints is appended here. */
  logFile: string;
  say(text: string): void;
}

const BACKOFF = { firstMs: 500, factor: 2, maxMs: 30_000 };
/** A worker that lived this long starts its backoff anew. */
const HEALTHY_MS = 60_000;
const STOP_MS = 20_000;

/**
 * A worker in a process of its own, started again when it dies. The process is forked at once, so that it loads its code
 * while the Temporal server is still starting; it waits for `begin`.
 */
export function startWorkerChild({ env, logFile, say }: WorkerChildOptions): WorkerChild {
  let child = forkWorker(env, logFile);
  let stopping = false;
  let restart: NodeJS.Timeout | undefined;

  /** Resolves when the child works; rejects when it says that it cannot, or ends before. */
  const begun = (message: ToWorker): Promise<void> =>
    new Promise((resolve, reject) => {
      child.on('message', (answer: FromWorker) => {
        if (answer.type === 'ready') resolve();
        else reject(new MillraceError(answer.code, answer.message));
      });
      child.once('exit', (code, signal) =>
        reject(
          new MillraceError('worker.ended', `The worker ended with ${signal ?? `exit code ${code}`}; see ${logFile}`),
        ),
      );
      child.send(message, (error) => {
        if (error)
          reject(
            new MillraceError('worker.ended', `The worker ended before it started; see ${logFile}`, { cause: error }),
          );
      });
    });

  const keepAlive = (message: ToWorker, delay: number): void => {
    const since = Date.now();
    child.once('exit', (code, signal) => {
      if (stopping) return;
      const wait = Date.now() - since > HEALTHY_MS ? BACKOFF.firstMs : delay;
      say(
        `The worker ended with ${signal ?? `exit code ${code}`}; starting it again in ${wait / 1000} s (${logFile} has its last words)`,
      );
      restart = setTimeout(() => {
        child = forkWorker(env, logFile);
        begun(message).then(
          () => say('The worker is back'),
          (error: Error) => stopping || say(error.message),
        );
        keepAlive(message, Math.min(BACKOFF.maxMs, wait * BACKOFF.factor));
      }, wait);
    });
  };

  return {
    async begin(config) {
      const message: ToWorker = { type: 'start', config };
      await begun(message);
      keepAlive(message, BACKOFF.firstMs);
    },
    async stop() {
      stopping = true;
      clearTimeout(restart);
      await ended(child);
    },
  };
}

/**
 * Where glibc learns from memory that is freed that so much is no longer worth a mapping of its own, what threads had stays with the
 * process: 100 MiB of a worker that has seen long records.
 */
const MALLOC = { MALLOC_MMAP_THRESHOLD_: String(1024 * 1024) };

function forkWorker(env: Record<string, string | undefined>, logFile: string): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const entry = fileURLToPath(new URL(fromSource ? './dev-worker.ts' : './dev-worker.js', import.meta.url));
  const log = openSync(logFile, 'a');
  try {
    return fork(entry, [], {
      env: { ...MALLOC, ...env },
      execArgv: fromSource ? ['--import', 'tsx'] : [],
      // A group of its own: Ctrl-C in the terminal reaches `dev` alone, which then stops things in order.
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
  } finally {
    closeSync(log);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const lastResort = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  if (child.connected) child.send({ type: 'stop' } satisfies ToWorker, () => undefined);
  else child.kill('SIGTERM');
  await exit;
  clearTimeout(lastResort);
}
