import { CancelledFailure, ApplicationFailure } from '@temporalio/activity';
import { asMillraceError } from '../src/core/errors.js';
import { masked } from '../src/core/secrets.js';
import type { Mask } from '../src/core/secrets.js';

/**
 * Wraps an activity so that what it throws carries its stable code as the failure's type, and says whether to try again.
 * @param mask failures stay in the history: nothing secret gets there
 */
export function withCodes<Args extends unknown[], Result>(
  mask: Mask,
  run: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    try {
      return await run(...args);
    } catch (error) {
      if (error instanceof CancelledFailure || error instanceof ApplicationFailure) throw error;
      const { code, message, retryable, issues } = asMillraceError(error);
      if (code === 'job.cancelled') throw new CancelledFailure(mask(message));
      throw ApplicationFailure.create({
        type: code,
        message: mask(message),
        nonRetryable: !retryable,
        details: issues.length > 0 ? [{ issues: masked(issues, mask) }] : undefined,
        category: retryable ? undefined : 'BENIGN',
      });
    }
  };
}
