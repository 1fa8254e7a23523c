import { serve } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { createApp } from '../../src/api/app.js';
import type { ApiDeps } from '../../src/api/deps.js';
import { createStores } from '../../src/stores/stores.js';
import { openWorkArea } from '../../src/stores/open-work-area.js';
import { createJobs } from '../../src/temporal/jobs.js';
import { queueStandings } from '../../src/temporal/queues.js';
import { createSchedules } from '../../src/temporal/schedules.js';
import type { Place } from './engine.js';

/** The API over a place of its own, without a port. */
export async function apiOver(
  { client, config, data }: Place,
  taskQueue = config.taskQueue,
  more: Partial<ApiDeps> = {},
): Promise<OpenAPIHono> {
  const work = await openWorkArea(config);
  const files = createStores(config, data, work);
  const server = { client, taskQueue, namespace: config.temporal.namespace!, uiUrl: 'http://ui' };
  return createApp({
    ofTenant: (tenant) => ({
      jobs: createJobs({ ...server, work, tenant }),
      schedules: createSchedules({ ...server, tenant }),
    }),
    sources: files,
    sinks: files,
    work,
    taskQueue,
    queues: () => queueStandings(client, server.namespace, taskQueue),
    version: '1.2.3',
    ...more,
  });
}

/** Listens on a free port of this machine. */
export function listening(app: Pick<OpenAPIHono, 'fetch'>): Promise<{ url: string; close: () => void }> {
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
      resolve({ url: `http://127.0.0.1:${port}`, close: () => void server.close() });
    });
  });
}
