import { existsSync } from 'node:fs';
import { mkdtemp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { storeCorrections } from '../../src/api/corrections.js';
import { PROCESS_DATASET } from '../../src/contract.js';
import type { ProcessDataset } from '../../src/contract.js';
import type { Config } from '../../src/core/config.js';
import type { JobResult, Manifest } from '../../src/core/job.js';
import { keys } from '../../src/core/receipt.js';
import type { Receipt } from '../../src/core/receipt.js';
import type { Reject } from '../../src/core/records.js';
import { connectClient } from '../../src/temporal/connect.js';
import { failureOf } from '../../src/temporal/failures.js';
import { createJobs } from '../../src/temporal/jobs.js';
import { newJobId } from '../../src/temporal/job-id.js';
import { openWorkArea } from '../../src/stores/open-work-area.js';
import { startWorker } from '../../src/worker.js';
import { testServer, testWorkflowBundle, uniqueTaskQueue } from './temporal-server.js';

const PROCESSORS = fileURLToPath(new URL('../fixtures/processors', import.meta.url));

export interface Place {
  config: Config;
  /** Root of sources and sinks. */
  data: string;
  client: Client;
  /** An absolute path below `data`. */
  at(name: string): string;
  write(name: string, content: string | Buffer): Promise<string>;
  read(name: string): Promise<string>;
  /** Starts a job as the `temporal` command line would: nothing but a spec. */
  start(spec: unknown): Promise<Job>;
  /** Runs a job to its end. @throws what it failed of */
  run(spec: unknown): Promise<Finished>;
  /** The end of the newest run of a job. @throws what it failed of */
  finish(id: string): Promise<Finished>;
  /** All that a job has left whose result is known. */
  finished(id: string, result: JobResult): Promise<Finished>;
  /** Retries a job, with corrected rejects where they are given, and waits for its end. */
  retried(id: string, corrected?: Reject[]): Promise<Finished>;
  /** Runs a job that must fail. */
  fail(spec: unknown): Promise<{ code: string; message: string; id: string }>;
  /** What the work area holds of a job, as keys; of one in a folder. */
  workOf(id: string): Promise<string[]>;
  /** Private files of attempts that nobody published. */
  staging(): Promise<string[]>;
  remove(): Promise<void>;
}

export interface Job {
  id: string;
  handle: WorkflowHandle<ProcessDataset>;
}

export interface Finished extends JobResult {
  id: string;
  manifestFile: Manifest;
  receipts: Receipt[];
  rejected: Reject[];
}

/** Folders and a task queue of its own for one test file; no worker yet. */
export async function makePlace(name: string, changes: Partial<Config> = {}): Promise<Place> {
  const { address, namespace, ...shared } = await testServer();
  const sealed = changes.encryptionKeys;
  const { client, connection } = sealed ? await connectClient({ address, namespace }, sealed) : shared;
  const home = await mkdtemp(path.join(os.tmpdir(), `millrace-${name}-`));
  const data = path.join(home, 'data');
  await mkdir(data);
  const config: Config = {
    host: '127.0.0.1',
    port: 0,
    home,
    roots: [data],
    work: path.join(home, 'work'),
    scratch: path.join(home, 'scratch'),
    taskQueue: uniqueTaskQueue(name),
    processors: [PROCESSORS],
    threads: 2,
    sqlMemoryBytes: 256 * 1024 * 1024,
    // Attempts that fail are part of the tests.
    log: { level: 'error', format: 'text' },
    temporal: { address, namespace },
    ...changes,
  };
  const at = (file: string) => path.join(data, file);
  const area = openWorkArea(config);
  const read = async (key: string) => (await (await area).read(key)).toString();
  const readJson = async <T>(key: string) => JSON.parse(await read(key)) as T;

  async function start(spec: unknown): Promise<Job> {
    const id = newJobId();
    const handle = await client.workflow.start<ProcessDataset>(PROCESS_DATASET, {
      workflowId: id,
      taskQueue: config.taskQueue,
      args: [spec],
    });
    return { id, handle };
  }

  async function listed(folder: string): Promise<string[]> {
    if (!existsSync(folder)) return [];
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
      .sort();
  }

  async function finish(id: string): Promise<Finished> {
    return finished(id, await client.workflow.getHandle<ProcessDataset>(id).result());
  }

  async function finished(id: string, result: JobResult): Promise<Finished> {
    const made = await (await area).list(keys.receipts(id));
    const receipts = await Promise.all(made.map((key) => readJson<Receipt>(key)));
    const rejects = result.rejects ? await read(result.rejects.uri) : '';
    const rejected = rejects.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Reject]));
    return { id, ...result, receipts, rejected, manifestFile: await readJson<Manifest>(result.manifest) };
  }

  return {
    config,
    data,
    client,
    at,
    start,

    async write(file, content) {
      await mkdir(path.dirname(at(file)), { recursive: true });
      await writeFile(at(file), content);
      return at(file);
    },

    read: (file) => readFile(at(file), 'utf8'),

    run: async (spec) => finish((await start(spec)).id),
    finish,

    async retried(id, corrected) {
      const { namespace } = client.options;
      const [store, { taskQueue }] = [await area, config];
      const text = corrected?.map((reject) => `${JSON.stringify(reject)}\n`).join('');
      await createJobs({ client, taskQueue, namespace, work: store }).retry(id, {
        correct: text === undefined ? undefined : (result) => storeCorrections(store, id, text, result),
      });
      return finish(id);
    },

    finished,

    async fail(spec) {
      const { id, handle } = await start(spec);
      const error: unknown = await handle.result().then(
        (result) => {
          throw new Error(`the job was to fail, and it ${result.state}`);
        },
        (thrown: unknown) => thrown,
      );
      const { code, message } = failureOf(error);
      return { id, code, message };
    },

    workOf: (id) => listed(path.join(config.work, keys.job(id))),
    staging: () => listed(path.join(config.work, '.staging')),
    async remove() {
      if (sealed) await connection.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

export interface Engine extends Place {
  stop(): Promise<void>;
}

/** A place with one worker, as `millrace worker` starts it, in this process. */
export async function startEngine(name: string, changes: Partial<Config> = {}): Promise<Engine> {
  const place = await makePlace(name, changes);
  const worker = await startWorker(place.config, {
    // How failures are written is part of a bundle.
    workflowBundle: changes.encryptionKeys ? undefined : testWorkflowBundle(),
    watches: false,
  });
  return {
    ...place,
    async stop() {
      await worker.stop();
      await place.remove();
    },
  };
}
