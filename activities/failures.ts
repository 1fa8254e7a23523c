import { CancelledFailure, ApplicationFailure } from '@temporalio/activity';
import { asMillraceError } from '../src/core/errors.js';

/** Wraps an activity so that what it throws carries its stable code as the failure's type, and says whether to try again. */
export function withCodes<Args extends unknown[], Result>(
  run: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    try {
      return await run(...args);
    } catch (error) {
      if (error instanceof CancelledFailure || error instanceof ApplicationFailure) throw error;
      const { code, message, retryable, issues } = asMillraceError(error);
      if (code === 'job.cancelled') throw new CancelledFailure(message);
      throw ApplicationFailure.create({
        type: code,
        message,
        nonRetryable: !retryable,
        details: issues.length > 0 ? [{ issues }] : undefined,
        category: retryable ? undefined : 'BENIGN',
      });
    }
  };
}
