import { httpInstrumentationMiddleware } from '@hono/otel';
import type { MiddlewareHandler } from 'hono';

export { tracedActivities } from './traced-activities.js';
export { tracedClient } from './traced-client.js';
export { startTracing } from './tracing.js';

/** Each request is a span, in the trace of its caller where that sent a `traceparent`. */
export function tracedRequests(): MiddlewareHandler {
  return httpInstrumentationMiddleware();
}
