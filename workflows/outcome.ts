import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
  isCancellation,
} from '@temporalio/workflow';
import type { EndState } from '../src/core/job.js';
import { toleranceText } from '../src/core/progress.js';
import type { Totals } from '../src/core/progress.js';
import type { Failure } from '../src/core/receipt.js';
import type { Tolerance } from '../src/core/spec.js';

/**
 * The state that an error ends a job in, and the failure to end the workflow with: one level deep, its type a stable code.
 * Null for a fault in the workflow's own code: its task is then retried until a mended worker comes.
 * @param cancelled whether the job was cancelled: then it ends so, whatever the activities that had to stop say
 */
export function endedBy(error: unknown, cancelled: boolean): { state: EndState; failure: unknown } | null {
  if (isCancellation(error)) return { state: 'cancelled', failure: error };
  if (cancelled) return { state: 'cancelled', failure: new CancelledFailure('the job was cancelled') };
  const cause = innermost(error);
  if (cause instanceof ApplicationFailure)
    return failed(cause.type?.includes('.') ? cause.type : 'job.failed', cause.message);
  if (cause instanceof TimeoutFailure) {
    return failed('job.step_timeout', `a step of the job did not end in time: ${cause.message}; see options.timeout`);
  }
  return null;
}

function failed(type: string, message: string): { state: EndState; failure: ApplicationFailure } {
  return { state: 'failed', failure: ApplicationFailure.nonRetryable(message, type) };
}

export function jobTimedOut(ms: number): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`the job did not end within options.timeout.job (${ms} ms)`, 'job.timeout');
}

export function tooManyRejects(total: Totals, tolerate: Tolerance): ApplicationFailure {
  const { rejected, in: all } = total.counts;
  return ApplicationFailure.nonRetryable(
    `${rejected} of ${all} records were rejected and ${toleranceText(tolerate)} tolerated; the first: ${total.firstReject ?? 'not known'}; ` +
      'set options.rejects.action: quarantine to keep bad records aside, or raise options.rejects.tolerate',
    'rejects.not_tolerated',
  );
}

export function tooManyFailed(
  failed: number,
  chunkCount: number,
  tolerate: Tolerance,
  { code, message }: Failure,
): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `${failed} of ${chunkCount} chunks failed and ${toleranceText(tolerate)} tolerated; the last: ${code}: ${message}; ` +
      'mend the cause, or raise options.failedChunks.tolerate',
    'chunks.not_tolerated',
  );
}

/**
 * What a chunk failed of after its last attempt, where that concerns this chunk alone: another may well succeed. Null
 * where it concerns the job: a source that changed, a disk without space, a cancellation.
 */
export function chunkFault(error: unknown): Failure | null {
  if (isCancellation(error)) return null;
  const cause = innermost(error);
  if (cause instanceof TimeoutFailure)
    return { code: CHUNK_TIMEOUT, message: `no attempt ended in time: ${cause.message}` };
  if (!(cause instanceof ApplicationFailure)) return null;
  const { type, message } = cause;
  return type && CHUNK_FAULTS.test(type) ? { code: type, message } : null;
}

export const CHUNK_TIMEOUT = 'chunk.timeout';
const CHUNK_FAULTS = /^(processor|sql|worker)\.|^source\.corrupt_parquet$/;

function innermost(error: unknown): unknown {
  let current = error;
  while ((current instanceof ActivityFailure || current instanceof ChildWorkflowFailure) && current.cause)
    current = current.cause;
  return current;
}
