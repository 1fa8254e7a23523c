import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { createApp } from '../../../src/api/app.js';
import type { ApiDeps } from '../../../src/api/deps.js';
import { DEFAULT_TENANT } from '../../../src/core/access.js';
import { keys } from '../../../src/core/receipt.js';
import type { ProcessorInfo, WorkerCard } from '../../../src/core/job.js';
import { createFileStore } from '../../../src/stores/file-store.js';
import type { WorkArea } from '../../../src/stores/port.js';
import { createWorkArea } from '../../../src/stores/work-area.js';
import { createJobs } from '../../../src/temporal/jobs.js';
import { queueStandings } from '../../../src/temporal/queues.js';
import { createSchedules } from '../../../src/temporal/schedules.js';
import type { Jobs } from '../../../src/temporal/jobs.js';
import { ensureSearchAttributes } from '../../../src/temporal/search-attributes.js';
import { quietRuntime, testNativeConnection, testServer, uniqueTaskQueue } from '../../helpers/temporal-server.js';

const TASK_QUEUE = uniqueTaskQueue('api');

quietRuntime();

/** The API over a real server and a worker of tiny workflows. */
export interface Service {
  client: Client;
  jobs: Jobs;
  work: WorkArea;
  /** Root of sources and sinks. */
  data: string;
  app: OpenAPIHono;
  logged: string[];
  stop(): Promise<void>;
}

/** @param access how callers are told from each other; nobody is asked by default */
export async function startService(
  access: Pick<ApiDeps, 'gatekeeper' | 'audit' | 'rateLimit' | 'cors' | 'codec' | 'streams'> = {},
): Promise<Service> {
  const { client, connection, namespace } = await testServer();
  await ensureSearchAttributes(connection, namespace);
  const worker = await Worker.create({
    connection: await testNativeConnection(),
    namespace,
    taskQueue: TASK_QUEUE,
    workflowsPath: fileURLToPath(new URL('./tiny-workflows.ts', import.meta.url)),
  });
  const running = worker.run();

  const folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-api-'));
  const data = path.join(folder, 'data');
  await mkdir(data);
  const work = await createWorkArea(path.join(folder, 'work'));
  const files = createFileStore({ roots: [data], cwd: data });
  const server = { client, taskQueue: TASK_QUEUE, namespace, uiUrl: 'http://ui/' };
  const ofTenant = (tenant: string) => ({
    jobs: createJobs({ ...server, work, tenant }),
    schedules: createSchedules({ ...server, tenant }),
  });
  const logged: string[] = [];
  const app = createApp({
    ofTenant,
    queues: () => queueStandings(client, namespace, TASK_QUEUE),
    ...access,
    sources: files,
    sinks: files,
    work,
    taskQueue: TASK_QUEUE,
    version: '1.2.3',
    log: (line) => logged.push(line),
  });
  return {
    client,
    jobs: ofTenant(DEFAULT_TENANT).jobs,
    work,
    data,
    app,
    logged,
    async stop() {
      worker.shutdown();
      await running;
      await rm(folder, { recursive: true });
    },
  };
}

export function workerCard(
  processors: ProcessorInfo[],
  changes: Partial<WorkerCard> = {},
): [key: string, json: string] {
  const now = new Date().toISOString();
  const card = {
    id: 'w-1',
    host: 'h',
    pid: 1,
    taskQueue: TASK_QUEUE,
    threads: 2,
    processors,
    startedAt: now,
    renewedAt: now,
    ...changes,
  };
  return [keys.worker(card.id), JSON.stringify(card)];
}
