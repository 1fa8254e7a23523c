/** What starts a workflow is a span, and its trace goes along with the workflow. */
import { SpanKind, SpanStatusCode, context, propagation, trace } from '@opentelemetry/api';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { TRACE_HEADER } from '../contract.js';
import { codeOf } from './code-of.js';

const tracer = trace.getTracer('millrace');

export const tracedClient: WorkflowClientInterceptor = {
  async start(input, next) {
    const attributes = { temporalWorkflowID: input.options.workflowId };
    return tracer.startActiveSpan(
      `StartWorkflow:${input.workflowType}`,
      { attributes, kind: SpanKind.PRODUCER },
      async (span) => {
        const carrier: Record<string, string> = {};
        propagation.inject(context.active(), carrier);
        try {
          return await next({
            ...input,
            headers: { ...input.headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(carrier) },
          });
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', codeOf(error));
          throw error;
        } finally {
          span.end();
        }
      },
    );
  },
};
