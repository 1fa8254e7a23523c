/** What every benchmark needs: services of its own in child processes, files to read, alternating runs. */
import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { Client, Connection } from '@temporalio/client';
import type { DevAddresses } from '../src/dev-addresses.js';
import type { JobView } from '../src/core/job.js';
import { findOrBringCli } from '../src/temporal/find-cli.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = path.join(ROOT, 'bin/millrace.cjs');
export const THREADS = 2;
const CALLERS = 32;
/** As many make the code of a service warm that is up for a while: by then a job costs it half of what the first ones do. */
export const WARM_UP = 5000;
/** Inputs are kept here from one run to the next. */
export const DATA = path.join(os.tmpdir(), 'millrace-bench');

export interface Services {
  /** URL of the API. */
  api: string;
  addresses: DevAddresses;
  client: Client;
  env: NodeJS.ProcessEnv;
  workerPid: number;
  /** Posts a job and waits for its end. @throws Error where it did not complete */
  run(spec: unknown): Promise<JobView>;
  stop(): Promise<void>;
}

/** Starts `millrace dev` from a fresh home, and answers when `/readyz` does. */
export async function startServices(): Promise<Services> {
  const { env, home } = await freshHome();
  const dev = millrace(['dev'], env);
  const api = `http://127.0.0.1:${env.MILLRACE_PORT}`;
  await ready(api, dev);
  const addresses = JSON.parse(await readFile(path.join(home, 'dev.json'), 'utf8')) as DevAddresses;
  const connection = await Connection.connect({ address: addresses.temporal });
  return {
    api,
    addresses,
    client: new Client({ connection, namespace: addresses.namespace }),
    env,
    workerPid: workerOf(dev.pid!),
    async run(spec) {
      let job = await call<JobView>(`${api}/v1/jobs?wait=60s`, spec);
      while (job.result === null && job.error === null) job = await call<JobView>(`${api}/v1/jobs/${job.id}?wait=60s`);
      if (!job.result) throw new Error(`job ${job.id} ended as ${job.state}: ${job.error?.message}`);
      return job;
    },
    async stop() {
      await connection.close();
      await ended(dev);
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A home that nobody has used, and the environment that names it. */
export async function freshHome(): Promise<{ home: string; env: NodeJS.ProcessEnv }> {
  const say = () => undefined;
  const cli = await findOrBringCli({ home: path.join(ROOT, '.millrace'), env: process.env, say });
  await mkdir(DATA, { recursive: true });
  const home = await mkdtemp(path.join(os.tmpdir(), 'millrace-bench-home-'));
  const env = {
    ...process.env,
    TEMPORAL_CLI_PATH: cli.path,
    MILLRACE_HOME: home,
    MILLRACE_PORT: String(await freePort()),
    MILLRACE_ROOTS: [ROOT, DATA].join(path.delimiter),
    MILLRACE_PROCESSORS: path.join(ROOT, 'bench/processors'),
    MILLRACE_THREADS: String(THREADS),
  };
  return { home, env };
}

export function millrace(args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [BIN, ...args], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** A process of a script of this folder, such as a peer. */
export function script(name: string, args: string[] = []): ChildProcess {
  return fork(path.join(ROOT, 'bench', name), args, { execArgv: ['--import', 'tsx'] });
}

/** Resolves with the first 200 of `/readyz`, or of another path: an API whose queue nobody polls is never ready. */
export async function ready(api: string, child: ChildProcess, at = '/readyz'): Promise<void> {
  for (;;) {
    const answer = await fetch(api + at).catch(() => null);
    if (answer?.status === 200) return;
    if (child.exitCode !== null) throw new Error(`the process ended with exit code ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function ended(child: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== null) return;
  child.kill('SIGINT');
  await exit;
}

const keptAlive = new Agent({ keepAlive: true });

/** A call of the API. By `node:http`: the caller shares the cores with what it measures, and `fetch` takes more of them. */
export async function call<T>(url: string, body?: unknown): Promise<T> {
  const answer = await asked(url, body === undefined ? undefined : Buffer.from(JSON.stringify(body)));
  const told = await text(answer);
  if (answer.statusCode! >= 300) throw new Error(`${url}: ${answer.statusCode} ${told}`);
  return JSON.parse(told) as T;
}

function asked(url: string, sent: Buffer | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = sent && { 'content-type': 'application/json', 'content-length': sent.length };
    const asking = request(url, { method: sent ? 'POST' : 'GET', agent: keptAlive, headers }, resolve);
    // A connection that was kept may be closed by the server at the very moment it is used again.
    asking.on('error', (error) => (asking.reusedSocket ? resolve(asked(url, sent)) : reject(error)));
    asking.end(sent);
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs the ways in turns, A B A B, after one warm-up each. @returns the median milliseconds of each way */
export async function alternate<Name extends string>(
  rounds: number,
  ways: Record<Name, () => Promise<unknown>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(ways) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const ms = await timed(ways[name]);
      if (round >= 0) times[name].push(ms);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])])) as Record<Name, number>;
}

/** Runs it so often, by so many callers at once as `CALLERS` says. @returns how many a second */
export async function perSecond(count: number, run: (n: number) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let next = 0;
  const caller = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return (count * 1000) / (performance.now() - began);
}

export async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

export function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)]!;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The rows of the last statement, by a DuckDB with all cores. */
export async function duckdb(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: String(THREADS) });
  try {
    const connection = await instance.connect();
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    instance.closeSync();
  }
}

/** Makes a file of the data folder unless it is there. */
export async function dataFile(name: string, make: (file: string) => Promise<unknown> | void): Promise<string> {
  const file = path.join(DATA, name);
  if (existsSync(file)) return file;
  await mkdir(DATA, { recursive: true });
  await make(`${file}.new`);
  await rename(`${file}.new`, file);
  return file;
}

export function stationsFile(rows: number): Promise<string> {
  const script = path.join(ROOT, 'bench/generate-stations.ts');
  return dataFile(`stations-${rows}.csv`, (file) => {
    execFileSync(process.execPath, ['--import', 'tsx', script, String(rows), file], { cwd: ROOT, stdio: 'inherit' });
  });
}

/** Three million flights as CSV, about 106 MB. */
export function flightsFile(): Promise<string> {
  const parquet = path.join(ROOT, 'node_modules/vega-datasets/data/flights-3m.parquet');
  return dataFile('flights-3m.csv', (file) => duckdb(`copy (from '${parquet}') to '${file}' (format csv, header)`));
}

/** Highest resident memory of a process so far, in bytes. Linux only; NaN elsewhere. */
export function peakMemory(pid: number): number {
  return memoryOf(pid, 'VmHWM');
}

/** Bytes; NaN of a process that is gone. */
export function residentMemory(pid: number): number {
  return memoryOf(pid, 'VmRSS');
}

function memoryOf(pid: number, field: string): number {
  try {
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  } catch {
    return NaN;
  }
}

/** The worker that `dev` runs as its child. */
function workerOf(dev: number): number {
  try {
    const children = readFileSync(`/proc/${dev}/task/${dev}/children`, 'utf8').trim().split(' ').map(Number);
    return children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker')) ?? NaN;
  } catch {
    return NaN;
  }
}
