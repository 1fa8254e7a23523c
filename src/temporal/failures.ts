import { NamespaceNotFoundError, isGrpcDeadlineError, isGrpcServiceError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { MillraceError, messageOf } from '../core/errors.js';
import type { Issue } from '../core/errors.js';

/** A server whose database is away may end a call itself, a moment before the client does. */
const CANCELLED = 1;
const UNAVAILABLE = 14;
const RESOURCE_EXHAUSTED = 8;
const INVALID_ARGUMENT = 3;
const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;

/** What a call to the Temporal server failed of, in this project's codes; anything else as it is. */
export function serverError(error: unknown): unknown {
  if (error instanceof MillraceError) return error;
  const grpc = grpcErrorIn(error);
  if (isGrpcDeadlineError(error) || grpc?.code === UNAVAILABLE || grpc?.code === CANCELLED) {
    const reason = grpc ? grpc.details || grpc.message : messageOf(error);
    return new MillraceError(
      'temporal.unreachable',
      `Temporal server does not answer: ${reason}; start it, or set TEMPORAL_ADDRESS`,
      {
        retryable: true,
        cause: error,
      },
    );
  }
  if (grpc?.code === RESOURCE_EXHAUSTED) {
    const message = `Temporal server has too much to do: ${grpc.details}; try again`;
    return new MillraceError('temporal.busy', message, { retryable: true, cause: error });
  }
  if (grpc?.code === UNAUTHENTICATED || grpc?.code === PERMISSION_DENIED) {
    return new MillraceError(
      'temporal.denied',
      `Temporal server refused the call: ${grpc.details}; check TEMPORAL_API_KEY`,
      { cause: error },
    );
  }
  if (error instanceof NamespaceNotFoundError) {
    const message = `Temporal namespace "${error.namespace}" does not exist; create it, or set TEMPORAL_NAMESPACE`;
    return new MillraceError('temporal.no_namespace', message, { cause: error });
  }
  if (grpc?.code === INVALID_ARGUMENT && /search attribute/i.test(grpc.details)) {
    const message = `Temporal namespace lacks the search attributes of this service: ${grpc.details}; start a worker once, it registers them`;
    return new MillraceError('temporal.search_attributes', message, { cause: error });
  }
  if (grpc?.code === INVALID_ARGUMENT) {
    return new MillraceError('request.refused', `the Temporal server does not take this: ${grpc.details}`, {
      cause: error,
    });
  }
  return error;
}

/** The stable code and message of a failed workflow: those of the innermost failure that carries them. */
export function failureOf(error: unknown): { code: string; message: string; issues: Issue[] } {
  let current = error;
  for (let cause = causeOf(current); cause !== undefined; cause = causeOf(current)) current = cause;
  if (current instanceof ApplicationFailure) {
    const code = current.type?.includes('.') ? current.type : 'job.failed';
    return { code, message: current.message, issues: issuesIn(current.details) };
  }
  if (current instanceof CancelledFailure)
    return { code: 'job.cancelled', message: 'the job was cancelled', issues: [] };
  if (current instanceof TerminatedFailure || current instanceof TimeoutFailure) {
    return { code: 'job.terminated', message: `the job was ended from outside: ${current.message}`, issues: [] };
  }
  return { code: 'job.failed', message: messageOf(current), issues: [] };
}

function grpcErrorIn(error: unknown): { code: number; details: string; message: string } | undefined {
  for (let current = error; current !== undefined; current = causeOf(current)) {
    if (isGrpcServiceError(current)) return current;
  }
  return undefined;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
}

function issuesIn(details: unknown): Issue[] {
  const found = Array.isArray(details) ? (details[0] as { issues?: unknown } | undefined)?.issues : undefined;
  return Array.isArray(found) ? (found as Issue[]) : [];
}
