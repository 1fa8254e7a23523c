/** One span for each attempt of an activity, in the trace of who started its job. */
import { createHash } from 'node:crypto';
import { ROOT_CONTEXT, SpanStatusCode, propagation, trace } from '@opentelemetry/api';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { activityInfo } from '@temporalio/activity';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Headers } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { TRACE_HEADER } from '../contract.js';
import type { RangeBeat, RangeResult } from '../contract.js';
import { codeOf } from './code-of.js';
import { inTrace } from './tracing.js';

const tracer = trace.getTracer('millrace');

export const tracedActivities: ActivityInterceptorsFactory = () => ({
  inbound: {
    async execute(input, next) {
      const { activityType, attempt, activityId, workflowExecution } = activityInfo();
      const { workflowId, runId } = workflowExecution!;
      const job = workflowId.split('/')[0]!;
      const attributes: Attributes = {
        'millrace.job': job,
        'millrace.attempt': attempt,
        // As the interceptors of the SDKs name them.
        temporalWorkflowID: workflowId,
        temporalRunID: runId,
        temporalActivityID: activityId,
        ...rangeOf(input.args[0]),
      };
      const run = async (span: Span) => {
        try {
          const result = await next(input);
          span.setAttributes(countsOf(result));
          return result;
        } catch (error) {
          // Messages may quote data, and are encrypted elsewhere: a trace has the code alone.
          span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', codeOf(error));
          throw error;
        } finally {
          span.end();
        }
      };
      return inTrace(traceIdOf(job), () =>
        tracer.startActiveSpan(`RunActivity:${activityType}`, { attributes }, callerOf(input.headers), run),
      );
    },
  },
});

function callerOf(headers: Headers): Context {
  const header = headers[TRACE_HEADER];
  const carrier: unknown = header && defaultPayloadConverter.fromPayload(header);
  return propagation.extract(ROOT_CONTEXT, carrier ?? {});
}

/** Of a job that nobody traced who started it, such as a schedule: all of its attempts are in one trace all the same. */
function traceIdOf(job: string): string {
  return createHash('sha256').update(job).digest('hex').slice(0, 32);
}

function rangeOf(input: unknown): Attributes {
  const { from, to } = (input ?? {}) as Partial<RangeBeat>;
  return from === undefined || to === undefined ? {} : { 'millrace.chunks.from': from, 'millrace.chunks.to': to };
}

function countsOf(result: unknown): Attributes {
  const { counts, bytes } = (result ?? {}) as Partial<RangeResult>;
  if (!counts) return {};
  const records = Object.entries<number>({ ...counts }).map(([kind, n]) => [`millrace.records.${kind}`, n] as const);
  return { ...Object.fromEntries(records), ...(bytes !== undefined && { 'millrace.bytes': bytes }) };
}
