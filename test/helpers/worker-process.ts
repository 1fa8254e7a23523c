import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Config } from '../../src/core/config.js';
import { entryPoint } from './built-entry-point.js';
import { testWorkflowBundle } from './temporal-server.js';

export interface WorkerProcess {
  pid: number;
  readonly running: boolean;
  /** Settles when it is gone, for whatever reason. */
  ended: Promise<unknown>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** What the entry point of a worker process is told. */
export interface WorkerOrder {
  config: Config;
  workflowBundle: string;
  /** URL of the module that starts workers. */
  code: string;
}

/** A worker in a process of its own. @param cwd its working folder; default: this one's */
export async function startWorkerProcess(config: Config, cwd?: string): Promise<WorkerProcess> {
  const entry = fileURLToPath(new URL('worker-entry.js', import.meta.url));
  const { filename, execArgv } = entryPoint('worker');
  const child = fork(entry, [], { execArgv, cwd, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const code = pathToFileURL(filename).href;
  child.send({ config, workflowBundle: testWorkflowBundle(), code } satisfies WorkerOrder);
  const [answer] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
  if (answer !== 'ready') throw new Error(`the worker process did not start: ${JSON.stringify(answer)}`);
  return {
    pid: child.pid!,
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    ended: once(child, 'exit'),
    kill: () => ended(child, () => child.kill('SIGKILL')),
    stop: () => ended(child, () => child.disconnect()),
  };
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  end();
  await exit;
}
