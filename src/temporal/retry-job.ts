import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { PROCESS_DATASET, SCHEDULED_TIME_MEMO } from '../contract.js';
import type { ProcessDataset } from '../contract.js';
import { MillraceError } from '../core/errors.js';
import { keptUntil } from '../core/job.js';
import type { Ended, JobResult, JobView } from '../core/job.js';
import type { Retry } from '../core/plan.js';
import { keys } from '../core/receipt.js';
import type { WorkArea } from '../stores/port.js';
import { givenSpec } from './given-spec.js';
import { isOpenExecution } from './is-open.js';
import { generationOf, scheduledOf } from './job-view.js';
import type { Execution, Findings } from './job-view.js';
import { SEARCH_ATTRIBUTES } from './search-attributes.js';

export interface RetryJob {
  /** Idempotency-Key: the same key gives the same retry. */
  key?: string;
  /** Checks corrected rejects and puts them into the work area. @returns their prefix, see `keys.corrections` */
  correct?: (result: JobResult | undefined) => Promise<string>;
}

export type Described = Execution &
  Pick<WorkflowExecutionDescription, 'runId' | 'priority' | 'staticSummary' | 'staticDetails'>;

interface Dependencies {
  client: Client;
  namespace: string;
  taskQueue: string;
  work: WorkArea;
  call<T>(run: () => Promise<T>): Promise<T>;
  describe(id: string): Promise<Described>;
  findingsOf(execution: Execution): Promise<Findings>;
  viewOf(execution: Execution, found: Findings): JobView;
}

/** The retry of ended jobs: a new run of the same workflow id, which takes up what is in the work area. */
export function createRetry(to: Dependencies): (id: string, options: RetryJob) => Promise<JobView> {
  const { client, taskQueue, work, call } = to;

  return async function retry(id, options): Promise<JobView> {
    const { key, correct } = options;
    const job = await to.describe(id);
    const generation = generationOf(job);
    const again = key === undefined ? !correct && isOpenExecution(job) && generation > 0 : job.memo?.retryKey === key;
    if (again) return to.viewOf(job, await to.findingsOf(job));
    if (isOpenExecution(job)) throw open(id);
    const { result } = await to.findingsOf(job);
    if (result?.state === 'completed') throw nothingToRetry(id);
    if (!(await isKept(id, job.status.name))) {
      // Another retry may have begun just now, and taken the mark of the end away.
      if ((await to.describe(id)).runId !== job.runId) return retry(id, options);
      throw expired(id);
    }

    const retried: Retry = { run: generation + 1, corrections: correct && (await correct(result)) };
    try {
      return await start(job, retried, key);
    } catch (error) {
      if (retried.corrections !== undefined) await work.remove(retried.corrections);
      // Another retry was first: it is this one, or stands in its way.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return retry(id, options);
      throw error;
    }
  };

  async function start(job: Described, retried: Retry, key: string | undefined): Promise<JobView> {
    const { workflowId, priority } = job;
    const spec = await givenSpec(to, job);
    const scheduled = scheduledOf(job);
    const memo = {
      ...job.memo,
      request: randomUUID(),
      generation: retried.run,
      retryKey: key ?? null,
      // The server tells it to the first run only.
      ...(scheduled && { [SCHEDULED_TIME_MEMO]: scheduled.time }),
    };
    const own = Object.values(SEARCH_ATTRIBUTES);
    const kept = job.attributes.filter(({ key: { name } }) => own.some((attribute) => attribute.name === name));
    const attributes = [
      ...kept.filter(({ key: { name } }) => name !== SEARCH_ATTRIBUTES.MillraceState.name),
      { key: SEARCH_ATTRIBUTES.MillraceState, value: 'pending' },
    ] as Execution['attributes'];
    const [staticSummary, staticDetails] = await Promise.all([job.staticSummary(), job.staticDetails()]);
    await call(() =>
      client.workflow.start<ProcessDataset>(PROCESS_DATASET, {
        workflowId,
        taskQueue,
        args: [spec, retried],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        memo,
        typedSearchAttributes: attributes,
        staticSummary,
        staticDetails,
        priority,
      }),
    );
    const started: Execution = { workflowId, status: { name: 'RUNNING' }, startTime: new Date(), memo, attributes };
    return to.viewOf(started, {});
  }

  /** Whether the job's folder still holds what a retry begins with. */
  async function isKept(id: string, status: Execution['status']['name']): Promise<boolean> {
    // One that was ended from outside could leave no mark; it has what it has.
    if (status === 'TERMINATED' || status === 'TIMED_OUT') return true;
    const ended = await work.tryRead(keys.ended(id));
    if (ended) return Date.now() < keptUntil(JSON.parse(ended.toString()) as Ended);
    return status !== 'COMPLETED' && (await work.tryRead(keys.plan(id))) !== null;
  }
}

function open(id: string): MillraceError {
  return new MillraceError('job.open', `job "${id}" has not ended; wait for its end or cancel it, then retry`);
}

function expired(id: string): MillraceError {
  return new MillraceError(
    'job.expired',
    `what job "${id}" left is kept no longer (options.retention); start it as a new job`,
  );
}

function nothingToRetry(id: string): MillraceError {
  return new MillraceError(
    'job.nothing_to_retry',
    `job "${id}" completed and rejected nothing; start it as a new job to run it again`,
  );
}
