import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { MillraceError, messageOf } from '../core/errors.js';
import { SEARCH_ATTRIBUTE_NAMES } from '../core/search-attributes.js';
import { freePort } from './free-port.js';
import { guardAgainstOrphan } from './orphan-guard.js';
import { RETRIES } from './retries.js';
import { ensureSearchAttributes } from './search-attributes.js';

const START_MS = 30_000;
const CONNECT_MS = 5000;
const STOP_MS = 5000;
const POLL_MS = 50;
const PORT_ATTEMPTS = 3;
const LOG_TAIL_LINES = 15;
const RETENTION_MS = 30 * 24 * 3_600_000;

/** Without the poll rate every step of a workflow waits up to 50 ms for the next read of the one shard's queue. */
const TUNING = [
  ['--sqlite-pragma', 'journal_mode=WAL'],
  ['--sqlite-pragma', 'synchronous=NORMAL'],
  ['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000'],
].flat();

export interface DevServerOptions {
  /** The `temporal` binary. */
  cli: string;
  /** SQLite file that outlives the server; absent: in memory. */
  dbFile?: string;
  /** Default: a free one. */
  port?: number;
  /** Of the Web UI; default: a free one; false: no UI. */
  uiPort?: number | false;
  /** Default: `default`. */
  namespace?: string;
  /** What the server writes, from this start on. Default: a temporary file, removed by `stop`. */
  logFile?: string;
  extraArgs?: string[];
  ip?: '127.0.0.1';
}

export interface DevServer {
  /** `host:port` of gRPC. */
  address: string;
  uiUrl?: string;
  pid: number;
  /** SIGTERM, after 5 s SIGKILL; settles when the process has ended. Harmless to repeat. */
  stop(): Promise<void>;
}

/**
 * Starts `temporal server start-dev` and waits until its namespace answers, keeps closed workflows for 30 days and has
 * the search attributes. The server ignores the terminal's Ctrl-C, so that its caller can stop what uses it first, and
 * ends with this process whatever ends that.
 * @throws MillraceError `temporal.server_failed` with the tail of its log
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      const chosenByUs = options.port === undefined || options.uiPort === undefined;
      const lostPort = chosenByUs && /address already in use/i.test(messageOf(error));
      if (!lostPort || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOnce(options: DevServerOptions): Promise<DevServer> {
  const { ip = '127.0.0.1', namespace = 'default' } = options;
  const port = options.port ?? (await freePort(ip));
  const uiPort = options.uiPort ?? (await freePort(ip));
  const address = `${ip}:${port}`;
  const logFile = options.logFile ?? path.join(os.tmpdir(), `millrace-temporal-${process.pid}-${port}.log`);
  if (options.dbFile !== undefined) mkdirSync(path.dirname(options.dbFile), { recursive: true });

  // A stranger on the port would be taken for ours, and its namespace changed.
  for (const taken of [port, uiPort]) {
    if (taken === false || !(await listens(ip, taken))) continue;
    throw new MillraceError(
      'temporal.server_failed',
      `the Temporal dev server did not start: another process listens on "${ip}:${taken}"; end it, or choose another port`,
    );
  }

  const server = spawnServer(options.cli, argumentsOf(options, { ip, port, uiPort, namespace }), logFile);
  const stop = async () => {
    await server.end();
    if (options.logFile === undefined) rmSync(logFile, { force: true });
  };
  try {
    await Promise.race([server.failed, prepare(ip, port, namespace, server.ended)]);
  } catch (error) {
    await server.end();
    const message = `the Temporal dev server on port ${port} did not start: ${messageOf(error)}${tailOf(logFile)}`;
    if (options.logFile === undefined) rmSync(logFile, { force: true });
    throw new MillraceError('temporal.server_failed', message, { retryable: true, cause: error });
  }
  return { address, ...(uiPort !== false && { uiUrl: `http://${ip}:${uiPort}` }), pid: server.pid(), stop };
}

function argumentsOf(
  options: DevServerOptions,
  at: { ip: string; port: number; uiPort: number | false; namespace: string },
): string[] {
  const args = [
    'server',
    'start-dev',
    '--ip',
    at.ip,
    '--port',
    String(at.port),
    '--namespace',
    at.namespace,
    ...TUNING,
  ];
  args.push(...(at.uiPort === false ? ['--headless'] : ['--ui-port', String(at.uiPort)]));
  for (const name of SEARCH_ATTRIBUTE_NAMES) args.push('--search-attribute', `${name}=Keyword`);
  if (options.dbFile !== undefined) args.push('--db-filename', options.dbFile);
  return [...args, ...(options.extraArgs ?? [])];
}

interface ServerProcess {
  pid(): number;
  /** Aborted when the process has ended. */
  ended: AbortSignal;
  /** Rejects when the process ends or cannot be started; never fulfils. */
  failed: Promise<never>;
  end(): Promise<void>;
}

function spawnServer(cli: string, args: string[], logFile: string): ServerProcess {
  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  const child = spawn(cli, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  // The server must not keep alive a process that has nothing else to do.
  child.unref();
  const releaseGuard = child.pid === undefined ? () => undefined : guardAgainstOrphan(child.pid);

  const ended = new AbortController();
  const failed = new Promise<never>((_, reject) => {
    const over = (error: Error) => {
      releaseGuard();
      ended.abort(error);
      reject(error);
    };
    child.once('error', over);
    child.once('exit', (code, signal) =>
      over(new Error(signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`)),
    );
  });
  failed.catch(() => undefined);
  return { pid: () => child.pid!, ended: ended.signal, failed, end: () => endProcess(child, ended.signal) };
}

async function endProcess(child: ChildProcess, ended: AbortSignal): Promise<void> {
  if (ended.aborted) return;
  const gone = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve(), { once: true }));
  child.kill('SIGTERM');
  // The timer also keeps this process waiting for the end: `child` itself does not.
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(hard);
}

/** Waits for the server, then gives the namespace what every job relies on. */
async function prepare(ip: string, port: number, namespace: string, ended: AbortSignal): Promise<void> {
  const address = `${ip}:${port}`;
  const deadline = Date.now() + START_MS;
  while (!(await listens(ip, port))) {
    ended.throwIfAborted();
    if (Date.now() > deadline) throw new Error(`it does not answer at "${address}" after ${START_MS / 1000} s`);
    await sleep(POLL_MS);
  }
  const connection = await Connection.connect({ address, connectTimeout: CONNECT_MS, interceptors: RETRIES });
  try {
    await connection.withDeadline(deadline, () => keepClosedWorkflows(connection, namespace, ended));
    await ensureSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
}

/** The port answers before the namespace is made. */
async function keepClosedWorkflows(connection: Connection, namespace: string, ended: AbortSignal): Promise<void> {
  const end = Date.now() + START_MS;
  for (;;) {
    ended.throwIfAborted();
    try {
      const config = { workflowExecutionRetentionTtl: msToTs(RETENTION_MS) };
      await connection.workflowService.updateNamespace({ namespace, config });
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(POLL_MS);
    }
  }
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

function tailOf(logFile: string): string {
  try {
    const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES);
    return lines.join('') === '' ? '' : `; its log ends with:\n${lines.join('\n')}`;
  } catch {
    return '';
  }
}
