/** Entry point of a worker process: connects, registers, publishes what it has, works until it is told to stop. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { ActivityInterceptorsFactory, WorkerOptions } from '@temporalio/worker';
import type { Client } from '@temporalio/client';
import { createActivities } from '../activities/index.js';
import { settle } from '../activities/settle.js';
import { chunksQueue, noticesQueue } from './contract.js';
import type { Config } from './core/config.js';
import { messageOf } from './core/errors.js';
import { maskOf } from './core/secrets.js';
import { chunkSlots } from './processors/chunk-slots.js';
import { createLog } from './log.js';
import type { Log } from './log.js';
import { createWorkerMetrics } from './metrics/worker-metrics.js';
import { createThreadPool } from './processors/pool.js';
import { createStores } from './stores/stores.js';
import { checkWorkArea, openWorkArea } from './stores/open-work-area.js';
import { keepSwept } from './stores/sweep-ended.js';
import { sweepScratch } from './stores/sweep-scratch.js';
import { createNotifier } from './stores/webhook.js';
import { liveWorkers, publishCard } from './stores/worker-cards.js';
import { connectionSettings, connectClient } from './temporal/connect.js';
import { dataConverter } from './temporal/encryption.js';
import { createScheduleWatch, ensureWatch } from './temporal/schedule-watch.js';
import { createSchedules } from './temporal/schedules.js';
import { freePort } from './temporal/free-port.js';
import { endedBefore, isOpen } from './temporal/is-open.js';
import { ensureSearchAttributes } from './temporal/search-attributes.js';
import { version } from './version.js';
import { installRuntime } from './worker-runtime.js';

/** Activities of one attempt hear of a cancellation with their next beat; a beat a second keeps that short. */
const HEARTBEAT_THROTTLE = '1s';
const WATCH_MS = 5000;
/** Webhooks told at once. */
const NOTICE_SLOTS = 8;
/** A worker that died is given up on by its sticky runs after this. */
const STICKY_TIMEOUT = '5s';
/** Small jobs at once, beside the chunks of big ones. */
const SMALL_JOB_SLOTS = 1;
/** Chunks at work that have not ended by then are handed back: another worker begins them anew at once. */
const SHUTDOWN_GRACE = '3s';
/** The workers of the chunks and of the notices take nothing else. */
const UNUSED = { type: 'fixed-size', numSlots: 1 } as const;

export interface RunningWorker {
  /** Stops taking work, lets what runs end or hands it back, closes everything. */
  stop(): Promise<void>;
  /** Settles when the worker has ended, by `stop` or by failure. */
  done: Promise<void>;
}

/**
 * @param options.workflowBundle file of the bundled workflows; default: the build's, or bundled now from source
 * @param options.watches whether the server is to start the watch over schedules
 * @throws MillraceError `temporal.unreachable`, `temporal.search_attributes`, `processor.load_failed`, `work.unusable`,
 * `worker.metrics_port`
 */
export async function startWorker(
  config: Config,
  { workflowBundle, watches = true }: { workflowBundle?: string; watches?: boolean } = {},
): Promise<RunningWorker> {
  const metrics = config.metricsPort === undefined ? undefined : createWorkerMetrics(config.threads);
  const sdkMetrics = metrics && `127.0.0.1:${await freePort('127.0.0.1')}`;
  const mask = maskOf(config.secrets);
  const log = createLog(config.log, mask);
  installRuntime(log, sdkMetrics);
  const told = await metrics?.listen({
    host: config.host,
    port: config.metricsPort!,
    sdk: `http://${sdkMetrics}/metrics`,
  });
  const tracing = config.tracing ? await import('./tracing/index.js') : undefined;
  const traced = tracing?.startTracing('millrace-worker', version());
  const settings = connectionSettings(config.temporal);
  const {
    client,
    connection: clientConnection,
    namespace,
  } = await connectClient(config.temporal, config.encryptionKeys);
  await ensureSearchAttributes(clientConnection, namespace);
  if (watches) await startWatch(client, config.taskQueue, log);

  await checkWorkArea(config);
  const work = await openWorkArea(config);
  await work.sweep();
  await sweepScratch(config.scratch);
  const files = createStores(config, process.cwd(), work);
  const ends = (job: string, moment: Date) => endedBefore(client, job, moment);
  const swept = keepSwept(
    work,
    (job) => settle({ work, files, endedBefore: ends }, job),
    (line) => log.warn(line),
  );
  const pool = createThreadPool(config);
  const id = randomUUID();
  const processors = await pool.run('describe', null);
  const card = await publishCard(work, {
    id,
    host: os.hostname(),
    pid: process.pid,
    taskQueue: config.taskQueue,
    threads: config.threads,
    processors,
    startedAt: new Date().toISOString(),
  });

  const connection = await NativeConnection.connect(settings.connectionOptions);
  const { taskQueue } = config;
  const schedules = createSchedules({ client, taskQueue, namespace, tenant: null });
  const made = createActivities({
    isOpen: (job) => isOpen(client, job),
    notifier: createNotifier({ secret: config.notifySecret, allow: config.notifyAllow }),
    watch: createScheduleWatch({ client, namespace, taskQueue, schedules }),
    mask,
    taskQueue,
    notifyUrls: config.notify ?? [],
    files,
    work,
    pool,
    async threads() {
      const cards = await liveWorkers(work, config.taskQueue);
      return Math.max(
        config.threads,
        cards.reduce((sum, one) => sum + one.threads, 0),
      );
    },
  });
  const activities = metrics?.counted(made) ?? made;
  const activity = tracing ? [tracing.tracedActivities] : [];
  const common: WorkerOptions = {
    connection,
    namespace,
    taskQueue: config.taskQueue,
    dataConverter: dataConverter(config.encryptionKeys),
    activities,
    interceptors: { activity },
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    shutdownGraceTime: SHUTDOWN_GRACE,
  };
  const main = await Worker.create({
    ...common,
    ...workflowSource(workflowBundle, config.encryptionKeys !== undefined, activity),
    maxConcurrentActivityTaskExecutions: SMALL_JOB_SLOTS,
    stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
  });
  const chunks = await Worker.create({
    ...common,
    taskQueue: chunksQueue(config.taskQueue),
    tuner: {
      activityTaskSlotSupplier: chunkSlots(config.threads),
      workflowTaskSlotSupplier: UNUSED,
      localActivityTaskSlotSupplier: UNUSED,
      nexusTaskSlotSupplier: UNUSED,
    },
  });

  const notices = await Worker.create({
    ...common,
    taskQueue: noticesQueue(config.taskQueue),
    tuner: {
      activityTaskSlotSupplier: { type: 'fixed-size', numSlots: NOTICE_SLOTS },
      workflowTaskSlotSupplier: UNUSED,
      localActivityTaskSlotSupplier: UNUSED,
      nexusTaskSlotSupplier: UNUSED,
    },
  });

  const shutDown = () => {
    for (const worker of [main, chunks, notices]) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  let stuck = false;
  void pool.stuck.then(() => {
    stuck = true;
    log.error(
      'a worker thread could not be ended: it is inside native code; this worker finishes its other work and ends itself, ' +
        'and has to be started again',
    );
    shutDown();
  });

  const running = Promise.all([main.run(), chunks.run(), notices.run()]);
  const done = running.then(
    () => undefined,
    (error: unknown) => {
      throw new Error(`the worker ended: ${messageOf(error)}`, { cause: error });
    },
  );
  const closed = done.finally(async () => {
    swept.stop();
    await told?.stop();
    await card.withdraw();
    await pool.close();
    await connection.close();
    await clientConnection.close();
    await traced?.stop();
    // `process.exit` would wait for the thread, for ever.
    if (stuck) process.kill(process.pid, 'SIGKILL');
  });
  closed.catch(() => undefined);

  return {
    done: closed,
    async stop() {
      shutDown();
      await closed;
    },
  };
}

/** Who may not make schedules still works on jobs. */
async function startWatch(client: Client, taskQueue: string, log: Log): Promise<void> {
  try {
    await client.withDeadline(Date.now() + WATCH_MS, () => ensureWatch(client, taskQueue));
  } catch (error) {
    log.warn(
      `nobody is told of missed and failed runs of schedules: their watch cannot be set up: ${messageOf(error)}`,
    );
  }
}

/** The bundle that the build made; from source, the workflows themselves. */
function workflowSource(
  given: string | undefined,
  encrypted: boolean,
  activity: ActivityInterceptorsFactory[],
): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'interceptors'> {
  const name = encrypted ? 'workflow-bundle.encrypted.js' : 'workflow-bundle.js';
  const bundle = given ?? fileURLToPath(new URL(`../${name}`, import.meta.url));
  if (given || existsSync(bundle)) return { workflowBundle: { codePath: bundle } };
  const source = (file: string) => fileURLToPath(new URL(`../workflows/${file}`, import.meta.url));
  return {
    workflowsPath: source('index.ts'),
    interceptors: { activity, workflowModules: [source('trace-header.ts')] },
  };
}
