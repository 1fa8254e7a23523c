import { randomUUID } from 'node:crypto';
import {
  QueryNotRegisteredError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcCancelledError,
  isGrpcDeadlineError,
} from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { PAUSE_UPDATE, PLAN_DATASET, PROCESS_DATASET, PROGRESS_QUERY, RESUME_UPDATE, SET_UPDATE } from '../contract.js';
import type { PlanDataset, ProcessDataset } from '../contract.js';
import { DEFAULT_TENANT, serverScheduleId } from '../core/access.js';
import type { ChunksAtWork } from '../core/chunk-view.js';
import { MillraceError } from '../core/errors.js';
import type { JobProgress, JobResult, JobState, JobView, PlanView } from '../core/job.js';
import { isEndState } from '../core/job.js';
import { keys } from '../core/receipt.js';
import type { Row } from '../core/records.js';
import type { JobSpec } from '../core/spec.js';
import type { WorkArea } from '../stores/port.js';
import { failureOf, serverError } from './failures.js';
import { isUndecipherable } from './encryption.js';
import { inTime } from './in-time.js';
import { keyedJobId, newJobId } from './job-id.js';
import { givenSpec } from './given-spec.js';
import { startOf } from './job-start.js';
import { jobView, tenantOf } from './job-view.js';
import type { Execution, Findings } from './job-view.js';
import { chunksAtWork } from './chunks-at-work.js';
import { QUEUE_TYPES } from './queues.js';
import { cursorOf, listQuery, runsQuery, tokenOf } from './list-query.js';
import { readableInfo } from './readable-info.js';
import { createRetry } from './retry-job.js';
import type { Described, RetryJob } from './retry-job.js';

/** With what else a request does, an answer that the server is away takes less than five seconds. */
const CALL_MS = 4000;
const QUERY_MS = 1000;
const POLL_MARGIN_MS = 5000;
const PLAN_WORKER_MS = 10_000;
const PLAN_MS = 60_000;
/** Larger items travel by the work area and not through a history. */
const INLINE_ITEMS_BYTES = 32 * 1024;
const RUNS_PAGE = 1000;

export interface StartJob {
  /** The spec as the caller wrote it; goes into the start event. */
  given: unknown;
  spec: JobSpec;
  /** `specDigest(spec)`. */
  digest: string;
  /** Idempotency-Key: the same key and spec give the same job. */
  key?: string;
}

export interface JobFilter {
  state?: JobState;
  name?: string;
  /** What the name or the id begins with. */
  search?: string;
  /** Started by this schedule. */
  schedule?: string;
  /** Started at or after. */
  since?: Date;
  limit: number;
  cursor?: string;
}

/**
 * The jobs of a tenant as Temporal workflows; one of another tenant is not found. Every call has a deadline. Errors of all: `temporal.unreachable`, `temporal.denied`,
 * `temporal.no_namespace`.
 */
export interface Jobs {
  /**
   * Starts the job, or finds the one that the key started before.
   * @returns the view at the start; of an existing job the current one
   * @throws MillraceError `idempotency.key_reused`, `temporal.search_attributes`
   */
  start(job: StartJob): Promise<{ id: string; existing: boolean; view: JobView }>;
  /** The job that this key started, or null. @throws MillraceError `idempotency.key_reused` where it has another spec */
  existing(key: string, digest: string): Promise<JobView | null>;
  /** @throws MillraceError `job.not_found` */
  view(id: string): Promise<JobView>;
  /** The view as soon as the job ends, at the latest after `ms`. */
  wait(id: string, ms: number, signal?: AbortSignal): Promise<JobView>;
  /** Newest first; without progress, result and error. @throws MillraceError `list.bad_cursor` */
  list(filter: JobFilter): Promise<{ jobs: JobView[]; nextCursor: string | null }>;
  /** Asks for the end of an open job; one that has ended stays as it is. */
  cancel(id: string): Promise<JobView>;
  /**
   * Runs what failed, was rejected or never ran of an ended job, as a new run of the same id. A retry that is open already
   * is given back; with a key, the one that it started.
   * @throws MillraceError `job.not_found`, `job.open`, `job.nothing_to_retry`, `job.expired`, or what `correct` throws
   */
  retry(id: string, options: RetryJob): Promise<JobView>;
  /**
   * Tells an open job to hand out no more chunks, to go on, or to work otherwise. Repeating it is harmless.
   * @param settings as `options` of a job spec write them
   * @throws MillraceError `job.closed`, `job.no_worker`, `job.bad_settings`, `job.not_found`
   */
  pause(id: string, reason?: string): Promise<JobView>;
  resume(id: string): Promise<JobView>;
  set(id: string, settings: unknown): Promise<JobView>;
  /** @throws MillraceError `job.no_worker`, `plan.timeout`, or what the plan failed of */
  plan(given: unknown): Promise<PlanView>;
  /** Whether a job is of this tenant; null where the server does not know it, or knows it no longer. */
  owns(id: string): Promise<boolean | null>;
  /** The spec of a job as it was given. @throws MillraceError `job.not_found` */
  specOf(id: string): Promise<unknown>;
  /** The chunks of an open job that activities are at. */
  atWork(id: string): Promise<ChunksAtWork[]>;
  /** How many workers poll the main queue. */
  pollers(): Promise<number>;
}

export function createJobs(options: {
  client: Client;
  taskQueue: string;
  namespace: string;
  uiUrl?: string;
  work: WorkArea;
  tenant?: string;
}): Jobs {
  const { client, taskQueue, namespace, work, tenant = DEFAULT_TENANT } = options;
  const uiUrl = options.uiUrl?.replace(/\/+$/, '');
  const temporalLink = (id: string) =>
    uiUrl ? `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(id)}` : null;

  const call = <T>(run: () => Promise<T>, ms = CALL_MS): Promise<T> => inTime(client, ms, run);

  /** Whosever it is; null where there is none. */
  async function find(id: string): Promise<Described | null> {
    try {
      const found = await call(() => client.workflow.getHandle(id).describe());
      return found.type === PROCESS_DATASET ? { ...found, attributes: found.typedSearchAttributes.getAll() } : null;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  async function describe(id: string): Promise<Described> {
    const found = await find(id);
    if (found && tenantOf(found) === tenant) return found;
    throw notFound(id);
  }

  /** As `find`, also of one that was encrypted with a key that is not here. */
  async function findReadable(id: string): Promise<Execution | null> {
    try {
      return await find(id);
    } catch (error) {
      if (!isUndecipherable(error)) throw error;
      const execution = { workflowId: id };
      const { workflowExecutionInfo } = await call(() =>
        client.workflowService.describeWorkflowExecution({ namespace, execution }),
      );
      const info = await readableInfo(client, namespace, workflowExecutionInfo!);
      return info.type === PROCESS_DATASET ? { ...info, attributes: info.typedSearchAttributes.getAll() } : null;
    }
  }

  /** Null where no worker answered in time. */
  async function progressOf(id: string): Promise<JobProgress | null> {
    try {
      return await client.withDeadline(Date.now() + QUERY_MS, () =>
        client.workflow.getHandle(id).query<JobProgress>(PROGRESS_QUERY),
      );
    } catch (error) {
      if (error instanceof QueryNotRegisteredError || serverError(error) !== error) return null;
      if (error instanceof Error && error.name === 'ServiceError') return null;
      throw error;
    }
  }

  async function findingsOf(execution: Execution): Promise<Findings> {
    const { workflowId: id, status } = execution;
    switch (status.name) {
      case 'COMPLETED':
        return { result: await call(() => client.workflow.getHandle(id).result() as Promise<JobResult>) };
      case 'RUNNING':
      case 'PAUSED': {
        const progress = await progressOf(id);
        return { progress, stale: progress === null };
      }
      case 'CANCELLED': {
        const progress = await progressOf(id);
        return { progress, stale: progress === null };
      }
      default: {
        const [progress, error] = await Promise.all([progressOf(id), failure(id)]);
        return { progress, stale: progress === null, error };
      }
    }
  }

  async function failure(id: string): Promise<{ code: string; message: string }> {
    try {
      await call(() => client.workflow.getHandle(id).result());
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { code, message } = failureOf(error);
      return { code, message };
    }
    return { code: 'job.failed', message: 'the job failed' };
  }

  async function view(id: string): Promise<JobView> {
    const execution = await findReadable(id);
    if (!execution || tenantOf(execution) !== tenant) throw notFound(id);
    return jobView(execution, await findingsOf(execution).catch(onlyReadable), temporalLink);
  }

  /** What goes into the start event: the spec as given, with large items put into the work area. */
  async function argumentOf(id: string, { given, spec, key }: StartJob): Promise<unknown> {
    const { items } = spec.source;
    if (!items || Buffer.byteLength(JSON.stringify(items)) <= INLINE_ITEMS_BYTES) return given;
    const itemsKey = keys.items(id);
    const text = ndjson(items);
    const published = await work.publish(itemsKey, text);
    if (!published && !(await work.read(itemsKey)).equals(Buffer.from(text))) throw keyReused(key);
    const { items: _moved, ...source } = (given as { source: Record<string, unknown> }).source;
    return { ...(given as object), source: { ...source, itemsKey } };
  }

  async function start(job: StartJob): Promise<{ id: string; existing: boolean; view: JobView }> {
    const { spec, digest, key } = job;
    const id = key === undefined ? newJobId() : keyedJobId(tenant, key);
    const request = randomUUID();
    const { memo, typedSearchAttributes, staticSummary, staticDetails, priority } = startOf(
      spec,
      digest,
      request,
      tenant,
    );
    const argument = await argumentOf(id, job);
    const now = Date.now();
    const wait = startDelayOf(spec, now);
    if (wait > 0) memo.startsAt = new Date(now + wait).toISOString();
    try {
      await call(() =>
        client.workflow.start<ProcessDataset>(PROCESS_DATASET, {
          workflowId: id,
          taskQueue,
          args: [argument],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
          memo,
          typedSearchAttributes,
          staticSummary,
          staticDetails,
          priority: priority(id),
          ...(wait > 0 && { startDelay: wait }),
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) {
        if (key === undefined && argument !== job.given) await work.remove(keys.job(id));
        throw error;
      }
    }
    if (key !== undefined) {
      const there = await describe(id);
      if (there.memo?.specDigest !== digest) throw keyReused(key);
      if (there.memo.request !== request) {
        return { id, existing: true, view: jobView(there, await findingsOf(there), temporalLink) };
      }
    }
    const started: Execution = {
      workflowId: id,
      status: { name: 'RUNNING' },
      startTime: new Date(),
      memo,
      attributes: typedSearchAttributes,
    };
    return { id, existing: false, view: jobView(started, {}, temporalLink) };
  }

  async function existing(key: string, digest: string): Promise<JobView | null> {
    let there: Execution;
    try {
      there = await describe(keyedJobId(tenant, key));
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'job.not_found') return null;
      throw error;
    }
    if (there.memo?.specDigest !== digest) throw keyReused(key);
    return jobView(there, await findingsOf(there), temporalLink);
  }

  /**
   * The result of a workflow, by a long poll that is given up after `ms`. The deadline of the call is later than that: a
   * server answers a poll near its deadline at once, and the client would ask hundreds of times in the last second.
   */
  function ended(id: string, ms: number, signal?: AbortSignal): Promise<unknown> {
    const late = AbortSignal.timeout(ms);
    return client.withAbortSignal(signal ? AbortSignal.any([signal, late]) : late, () =>
      client.withDeadline(Date.now() + ms + POLL_MARGIN_MS, () => client.workflow.getHandle(id).result()),
    );
  }

  async function wait(id: string, ms: number, signal?: AbortSignal): Promise<JobView> {
    try {
      // Both at once: after the end, the description would be one call more before the answer.
      const [execution, result] = await Promise.all([describe(id), ended(id, ms, signal)]);
      const completed: Execution = { ...execution, status: { name: 'COMPLETED' } };
      return jobView(completed, { result: result as JobResult }, temporalLink);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw notFound(id);
      // Whatever ended the wait, the view says how things stand, or why it cannot.
    }
    return view(id);
  }

  async function list(filter: JobFilter): Promise<{ jobs: JobView[]; nextCursor: string | null }> {
    const schedule = filter.schedule === undefined ? undefined : serverScheduleId(tenant, filter.schedule);
    const query = listQuery({ ...filter, schedule, tenant });
    const nextPageToken = filter.cursor === undefined ? undefined : tokenOf(filter.cursor, query);
    const answer = await call(() =>
      client.workflowService.listWorkflowExecutions({ namespace, query, pageSize: filter.limit, nextPageToken }),
    );
    const infos = await Promise.all(answer.executions.map((raw) => readableInfo(client, namespace, raw)));
    const newest = await newestRuns(infos.filter(({ status }) => status.name !== 'RUNNING'));
    const jobs = infos
      .filter(({ workflowId, runId }) => (newest.get(workflowId) ?? runId) === runId)
      .map((info) => jobView({ ...info, attributes: info.typedSearchAttributes.getAll() }, {}, temporalLink));
    const token = answer.nextPageToken;
    return { jobs, nextCursor: token && token.length > 0 ? cursorOf(token, query) : null };
  }

  /** By job. One that was retried has several runs, and the list of the server has them all. */
  async function newestRuns(ended: ReadonlyArray<{ workflowId: string }>): Promise<Map<string, string>> {
    const newest = new Map<string, { runId: string; started: number }>();
    const ids = [...new Set(ended.map(({ workflowId }) => workflowId))];
    let nextPageToken: Uint8Array | undefined;
    while (ids.length > 0) {
      const query = runsQuery(ids);
      const answer = await call(() =>
        client.workflowService.listWorkflowExecutions({ namespace, query, pageSize: RUNS_PAGE, nextPageToken }),
      );
      for (const { execution, startTime } of answer.executions) {
        const { workflowId, runId } = execution as { workflowId: string; runId: string };
        const started = Number(startTime?.seconds ?? 0) * 1e9 + (startTime?.nanos ?? 0);
        if (started > (newest.get(workflowId)?.started ?? -1)) newest.set(workflowId, { runId, started });
      }
      nextPageToken = answer.nextPageToken;
      if (!nextPageToken || nextPageToken.length === 0) break;
    }
    return new Map([...newest].map(([id, { runId }]) => [id, runId]));
  }

  const retry = createRetry({
    client,
    namespace,
    taskQueue,
    work,
    call,
    describe,
    findingsOf,
    viewOf: (execution, found) => jobView(execution, found, temporalLink),
  });

  async function cancel(id: string): Promise<JobView> {
    const before = await view(id);
    if (isEndState(before.state)) return before;
    try {
      await call(() => client.workflow.getHandle(id).cancel());
    } catch (error) {
      // It ended in between.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    return view(id);
  }

  /** Runs an update of the job's workflow. A job that nobody works on cannot take it, and nothing is kept for later. */
  async function update(id: string, name: string, argument: unknown = null): Promise<JobView> {
    const before = await describe(id);
    if (before.status.name !== 'RUNNING') throw closed(id, jobView(before, {}, temporalLink).state);
    try {
      const progress = await client.withDeadline(Date.now() + CALL_MS, () =>
        client.workflow.getHandle(id).executeUpdate<JobProgress, [unknown]>(name, { args: [argument] }),
      );
      return jobView(before, { progress }, temporalLink);
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) {
        const { code, message } = failureOf(error.cause);
        throw new MillraceError(code === 'job.failed' ? 'job.bad_settings' : code, message);
      }
      // It ended in between.
      if (error instanceof WorkflowNotFoundError) throw closed(id, (await view(id)).state);
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
        throw new MillraceError(
          'job.no_worker',
          `no worker took the order for job "${id}" within ${CALL_MS / 1000} s; start one with "millrace worker" on task queue "${taskQueue}" and repeat it`,
          { retryable: true },
        );
      }
      throw serverError(error);
    }
  }

  async function plan(given: unknown): Promise<PlanView> {
    const handle = await call(() =>
      client.workflow.start<PlanDataset>(PLAN_DATASET, {
        workflowId: `plan-${newJobId().slice(2)}`,
        taskQueue,
        args: [given],
        workflowExecutionTimeout: PLAN_MS,
        staticSummary: 'plan only; nothing is started',
      }),
    );
    const early = await planResult(handle, PLAN_WORKER_MS);
    if (early !== null) return early;
    if ((await call(() => handle.describe())).historyLength <= 2) {
      await call(() => handle.terminate('no worker')).catch(() => undefined);
      throw new MillraceError(
        'job.no_worker',
        `no worker took the plan within ${PLAN_WORKER_MS / 1000} s; start one with "millrace worker" on task queue "${taskQueue}"`,
        { retryable: true },
      );
    }
    const late = await planResult(handle, PLAN_MS - PLAN_WORKER_MS);
    if (late !== null) return late;
    throw new MillraceError('plan.timeout', `the plan was not made within ${PLAN_MS / 1000} s`, { retryable: true });
  }

  /** Null where it is not there in time. */
  async function planResult(handle: WorkflowHandle, ms: number): Promise<PlanView | null> {
    try {
      return (await ended(handle.workflowId, ms)) as PlanView;
    } catch (error) {
      if (isGrpcCancelledError(error) || isGrpcDeadlineError(error)) return null;
      if (!(error instanceof WorkflowFailedError)) throw serverError(error);
      const { code, message, issues } = failureOf(error);
      throw new MillraceError(code === 'job.terminated' ? 'plan.timeout' : code, message, { issues });
    }
  }

  async function pollers(): Promise<number> {
    const described = await call(
      () =>
        client.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: taskQueue },
          taskQueueType: QUEUE_TYPES.workflow,
        }),
      2000,
    );
    return described.pollers.length;
  }

  return {
    start,
    existing,
    view,
    wait,
    list,
    cancel,
    retry,
    pause: (id, reason) => update(id, PAUSE_UPDATE, reason),
    resume: (id) => update(id, RESUME_UPDATE),
    set: (id, settings) => update(id, SET_UPDATE, settings),
    plan,
    async owns(id) {
      const found = await findReadable(id);
      return found && tenantOf(found) === tenant;
    },
    specOf: async (id) => givenSpec({ client, namespace, call }, await describe(id)),
    atWork: (id) => chunksAtWork(client, call, id),
    pollers,
  };
}

/** Milliseconds; none for a moment that has passed. */
function startDelayOf({ options: { start } }: JobSpec, now: number): number {
  if (!start) return 0;
  return Math.max(0, 'at' in start ? Date.parse(start.at) - now : start.delayMs);
}

function ndjson(rows: readonly Row[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function closed(id: string, state: JobState): MillraceError {
  return new MillraceError('job.closed', `job "${id}" is ${state}; only an open job can be steered`);
}

/** What cannot be decrypted here is not known; the rest is shown. */
function onlyReadable(error: unknown): Findings {
  if (!isUndecipherable(error)) throw error;
  return { stale: true, warnings: [error.message] };
}

function notFound(id: string): MillraceError {
  return new MillraceError(
    'job.not_found',
    `job "${id}" not found; "millrace jobs" (GET /v1/jobs) lists the ones that the server still keeps`,
  );
}

function keyReused(key: string | undefined): MillraceError {
  return new MillraceError(
    'idempotency.key_reused',
    `Idempotency-Key "${key}" was used for another spec; send the same spec again, or take a new key`,
  );
}
