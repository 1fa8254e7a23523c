import { expect, it } from 'vitest';
import { serverError } from '../../src/temporal/failures.js';

/** As gRPC tells it, inside of what the client makes of it. */
function grpc(code: number, details: string): Error {
  const told = Object.assign(new Error(`${code} ${details}`), { code, details, metadata: {} });
  return new Error('Failed to start Workflow', { cause: told });
}

it.each([
  [1, 'Call cancelled', 'temporal.unreachable', true],
  [3, 'WorkflowId length exceeds limit', 'request.refused', false],
  [3, 'no mapping defined for search attribute MillraceName', 'temporal.search_attributes', false],
  [7, 'not for you', 'temporal.denied', false],
  [8, 'namespace rate limit exceeded', 'temporal.busy', true],
  [14, 'connection refused', 'temporal.unreachable', true],
])('what the server fails of with %i (%s) is %s', (code, details, wanted, retryable) => {
  expect(serverError(grpc(code, details))).toMatchObject({ code: wanted, retryable });
});

it('what is none of these is left as it is', () => {
  const error = grpc(13, 'shard ownership lost');
  expect(serverError(error)).toBe(error);
});
