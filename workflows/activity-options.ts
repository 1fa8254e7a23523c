import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { RetryPolicy } from '@temporalio/workflow';
import { chunksQueue } from '../src/contract.js';
import type { Activities } from '../src/contract.js';
import type { JobOptions } from '../src/core/spec.js';

/** Short steps that need no queue of their own: run inside the workflow task, one marker each in the history. */
export const local = proxyLocalActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '200ms', maximumInterval: '10s', maximumAttempts: 5 },
});

/** Small jobs have the main queue, so that they never wait behind the chunks of a big one. */
const SMALL_JOB_BYTES = 1024 * 1024;

interface JobShape {
  bytes: number;
  chunkCount: number;
  options: JobOptions;
}

/**
 * The options of one heavy activity of a job; `summary` is what the Web UI shows on its bar.
 * @param priority where it is no longer that of the job's start
 */
export function heavy(
  taskQueue: string,
  job: JobShape,
  summary: string,
  { timeoutMs = job.options.timeout.chunkMs, priority = job.options.priority } = {},
) {
  const small = job.chunkCount === 1 && job.bytes < SMALL_JOB_BYTES;
  return proxyActivities<Activities>({
    taskQueue: small ? taskQueue : chunksQueue(taskQueue),
    startToCloseTimeout: timeoutMs,
    heartbeatTimeout: job.options.timeout.heartbeatMs,
    // An attempt that still ran while its job is cleaned up could publish into what is gone.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: retryPolicy(job.options.retry),
    summary,
    ...(priority !== job.options.priority && { priority: { priorityKey: priority } }),
  });
}

function retryPolicy(retry: JobOptions['retry']): RetryPolicy {
  return {
    maximumAttempts: retry.attempts,
    initialInterval: retry.firstMs,
    backoffCoefficient: retry.factor,
    maximumInterval: retry.maxMs,
    nonRetryableErrorTypes: retry.never,
  };
}
