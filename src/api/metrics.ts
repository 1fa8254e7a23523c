import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { QueueStanding } from '../temporal/queues.js';
import { isInside } from './admit.js';

/** The queues are asked for so often at most, however many ask for the metrics. */
const KEPT_MS = 5000;
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface ApiMetrics {
  /** Counts the requests that pass. */
  middleware: MiddlewareHandler;
  /** The text of the exposition, and its media type. */
  text(): Promise<{ type: string; body: string }>;
}

/**
 * @param to.queues asked for when the metrics are; where that fails they say that Temporal is away
 * @param to.streams how many event streams are open
 */
export function createMetrics(to: { queues: () => Promise<QueueStanding[]>; streams: () => number }): ApiMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'millrace_http_request_duration_seconds',
    help: 'Requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS_S,
    registers,
  });
  new Gauge({
    name: 'millrace_event_streams',
    help: 'Event streams that are open',
    registers,
    collect() {
      this.set(to.streams());
    },
  });
  const up = new Gauge({ name: 'millrace_temporal_up', help: '1 where the Temporal server answers', registers });
  const ofQueue = (name: string, help: string) => new Gauge({ name, help, labelNames: ['queue', 'type'], registers });
  const pollers = ofQueue('millrace_queue_pollers', 'Workers that poll a queue');
  const backlog = ofQueue('millrace_queue_backlog', 'Tasks that wait in a queue, about');
  const age = ofQueue('millrace_queue_backlog_age_seconds', 'How long the oldest task of a queue has waited');
  const misses = new Counter({
    name: 'millrace_temporal_unreachable_total',
    help: 'Times that Temporal did not answer a question for these metrics',
    registers,
  });
  let asked = -Infinity;

  async function lookAtQueues(): Promise<void> {
    if (Date.now() - asked < KEPT_MS) return;
    asked = Date.now();
    const standings = await to.queues().catch(() => null);
    // Behind the question: another caller would find them empty meanwhile.
    for (const gauge of [pollers, backlog, age]) gauge.reset();
    for (const { queue, type, ...standing } of standings ?? []) {
      pollers.set({ queue, type }, standing.pollers);
      backlog.set({ queue, type }, standing.backlog);
      age.set({ queue, type }, standing.backlogAge);
    }
    up.set(standings ? 1 : 0);
    if (!standings) misses.inc();
  }

  return {
    middleware: async (c, next) => {
      if (isInside(c)) return next();
      const end = requests.startTimer();
      await next();
      // Of the route and not the path: ids would make a series each.
      const route = routePath(c, -1);
      end({ method: c.req.method, route: route === '/*' ? 'none' : route, status: c.res.status });
    },
    async text() {
      await lookAtQueues();
      return { type: registry.contentType, body: await registry.metrics() };
    },
  };
}
