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

function innermost(error: unknown): unknown {
  let current = error;
  while ((current instanceof ActivityFailure || current instanceof ChildWorkflowFailure) && current.cause)
    current = current.cause;
  return current;
}
