import type { Client } from '@temporalio/client';
import { MillraceError } from '../core/errors.js';
import { serverError } from './failures.js';

/** For an answer that comes at the last moment. */
const SLACK_MS = 200;

/**
 * A call to the Temporal server, given up after so many milliseconds. The deadline that the client knows is looked at between
 * attempts only: where the server is away, the last pause between two of them ends seconds after it.
 * @throws MillraceError `temporal.*`, or what the call failed of
 */
export async function inTime<T>(client: Client, ms: number, run: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `Temporal server does not answer within ${ms / 1000} s; start it, or set TEMPORAL_ADDRESS`;
    const tell = () => reject(new MillraceError('temporal.unreachable', message, { retryable: true }));
    timer = setTimeout(tell, ms + SLACK_MS);
  });
  try {
    return await Promise.race([client.withDeadline(Date.now() + ms, run), late]);
  } catch (error) {
    throw serverError(error);
  } finally {
    clearTimeout(timer);
  }
}
