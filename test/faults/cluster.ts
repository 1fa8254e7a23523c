import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client, Connection } from '@temporalio/client';
import type { JobView } from '../../src/core/job.js';
import { connectClient } from '../../src/temporal/connect.js';
import { startDevServer } from '../../src/temporal/dev-server.js';
import type { DevServer } from '../../src/temporal/dev-server.js';
import { findOrBringCli } from '../../src/temporal/find-cli.js';
import { freePort } from '../../src/temporal/free-port.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = path.join(ROOT, 'bin/millrace.cjs');
const PROCESSORS = fileURLToPath(new URL('./processors', import.meta.url));

export const MEMBERS = ['worker-a', 'worker-b', 'api', 'temporal'] as const;
export type Member = (typeof MEMBERS)[number];

/** Activities that a worker may have taken: in its threads, waiting, of the main queue, and one on its way to it. */
export const SLOTS_OF_A_WORKER = 4;

/** A whole service in processes of its own, as it is built and shipped, on a Temporal server that keeps its store in a file. */
export interface Cluster {
  /** Root of sources and sinks. */
  data: string;
  /** The work area. */
  work: string;
  /** URL of the API. */
  api: string;
  pid(member: Member): number;
  /** Ends a process as a power cut would; resolves when it is gone. */
  kill(member: Member): Promise<void>;
  /** Starts it again, on what it left; resolves when it works. */
  start(member: Member): Promise<void>;
  /** Posts a job and waits for its end as a patient client does: whatever fails is asked again. */
  run(spec: unknown, key: string, onAccepted?: () => void): Promise<JobView>;
  client(): Promise<Client>;
  stop(): Promise<void>;
}

/** @param more settings of the workers and the API */
export async function startCluster(threads = 1, more: Record<string, string> = {}): Promise<Cluster> {
  if (!existsSync(path.join(ROOT, 'dist/src/worker.js'))) throw new Error('run "npm run build" before these tests');
  const home = await mkdtemp(path.join(os.tmpdir(), 'millrace-faults-'));
  const data = path.join(home, 'data');
  const work = path.join(home, 'work');
  await mkdir(data);
  const cli = await findOrBringCli({ home: path.join(ROOT, '.millrace'), env: process.env, say: () => undefined });
  const ports = { temporal: await freePort('127.0.0.1'), api: await freePort('127.0.0.1') };
  const api = `http://127.0.0.1:${ports.api}`;
  const env = {
    ...process.env,
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    MILLRACE_HOME: home,
    MILLRACE_WORK: work,
    MILLRACE_SCRATCH: path.join(home, 'scratch'),
    MILLRACE_ROOTS: data,
    MILLRACE_PROCESSORS: PROCESSORS,
    MILLRACE_PORT: String(ports.api),
    MILLRACE_THREADS: String(threads),
    ...more,
  };
  const children = new Map<Member, ChildProcess>();
  let temporal: DevServer | undefined;
  let connected: { client: Client; connection: Connection } | undefined;

  async function start(member: Member): Promise<void> {
    if (member === 'temporal') {
      const dbFile = path.join(home, 'temporal.db');
      temporal = await startDevServer({ cli: cli.path, port: ports.temporal, uiPort: false, dbFile });
      return;
    }
    const command = member === 'api' ? 'api' : 'worker';
    const child = spawn(process.execPath, [BIN, command], { env, cwd: home, stdio: ['ignore', 'ignore', 'pipe'] });
    children.set(member, child);
    await says(child, 'Millrace ');
  }

  async function kill(member: Member): Promise<void> {
    if (member === 'temporal') {
      process.kill(temporal!.pid, 'SIGKILL');
      await temporal!.stop();
      return;
    }
    const child = children.get(member)!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** The answer, however often it must be asked for. */
  async function ask(route: string, init?: RequestInit): Promise<JobView> {
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(api + route, init).catch((error: Error) => error);
      if (!(answer instanceof Error)) {
        const body = await answer.text().catch(() => '');
        if (answer.ok && body !== '') return JSON.parse(body) as JobView;
        if (answer.status < 500) throw new Error(`${route}: ${answer.status} ${body}`);
      }
      if (attempt > 300) throw new Error(`${route} had no answer for a minute`);
      await sleep(200);
    }
  }

  await start('temporal');
  await Promise.all([start('worker-a'), start('worker-b'), start('api')]);
  return {
    data,
    work,
    api,
    pid: (member) => (member === 'temporal' ? temporal!.pid : children.get(member)!.pid!),
    kill,
    start,

    async run(spec, key, onAccepted) {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key };
      const { id } = await ask('/v1/jobs', { method: 'POST', headers, body: JSON.stringify(spec) });
      onAccepted?.();
      for (;;) {
        const job = await ask(`/v1/jobs/${id}?wait=5s`);
        if (job.finishedAt !== null) return job;
      }
    },

    async client() {
      connected ??= await connectClient({ address: env.TEMPORAL_ADDRESS });
      return connected.client;
    },

    async stop() {
      await connected?.connection.close();
      await Promise.all([kill('worker-a'), kill('worker-b'), kill('api')]);
      await temporal?.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Resolves when a process has written a text to its stderr. */
async function says(child: ChildProcess, text: string): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-10_000);
      if (said.includes(text)) resolve();
    });
    child.once('exit', (code, signal) => {
      reject(new Error(`the process ended with ${signal ?? code} before it said "${text}": ${said}`));
    });
  });
}

export async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8')) as T;
}
