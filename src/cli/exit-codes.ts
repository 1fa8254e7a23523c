import { MillraceError } from '../core/errors.js';
import type { JobState } from '../core/job.js';
import { ApiProblem } from './api-client.js';

export const EXIT = {
  completed: 0,
  failed: 1,
  completedWithRejects: 2,
  cancelled: 3,
  usage: 64,
  unavailable: 69,
  denied: 77,
  interrupted: 130,
} as const;

/** What a command that followed a job to its end exits with. */
export function exitCodeOfState(state: JobState): number {
  if (state === 'failed') return EXIT.failed;
  if (state === 'completed_with_rejects') return EXIT.completedWithRejects;
  if (state === 'cancelled') return EXIT.cancelled;
  return EXIT.completed;
}

/** From the best to the worst. */
const BY_WEIGHT: readonly number[] = [EXIT.completed, EXIT.completedWithRejects, EXIT.cancelled, EXIT.failed];

/** What a command that followed several jobs exits with: the worst of theirs. */
export function worstExitCode(codes: readonly number[]): number {
  return BY_WEIGHT[Math.max(0, ...codes.map((code) => BY_WEIGHT.indexOf(code)))]!;
}

const BAD_INPUT_STATUS = new Set([400, 413, 415, 422]);
const DENIED_STATUS = new Set([401, 403]);
const NO_SERVICE_STATUS = new Set([502, 503, 504]);
const BAD_INPUT_CODE = /^(usage|spec|schedule|import|config)\./;
const NO_SERVICE_CODES = new Set(['api.unreachable', 'api.bad_answer', 'temporal.unreachable']);

/** What a command that threw exits with: 64 where the caller's input is at fault, 69 where a service is missing, 77 where it is not allowed, else 1. */
export function exitCodeOfError(error: unknown): number {
  if (error instanceof ApiProblem) {
    if (BAD_INPUT_STATUS.has(error.status)) return EXIT.usage;
    if (DENIED_STATUS.has(error.status)) return EXIT.denied;
    return NO_SERVICE_STATUS.has(error.status) ? EXIT.unavailable : EXIT.failed;
  }
  if (error instanceof MillraceError) {
    if (BAD_INPUT_CODE.test(error.code)) return EXIT.usage;
    if (NO_SERVICE_CODES.has(error.code)) return EXIT.unavailable;
  }
  return EXIT.failed;
}
