import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { jobSpecSchema } from '../schema/spec.js';
import { jobChangesSchema } from '../schema/views.js';
import {
  backfillBodySchema,
  noteSchema,
  scheduleBodySchema,
  triggerScheduleSchema,
  upcomingQuerySchema,
} from './schedule-input.js';

/** The body of `POST /v1/processors/{name}/jobs`. */
export const triggerSchema = z.strictObject({
  items: z.array(z.record(z.string(), z.unknown())).min(1).meta({ description: 'The records, up to 1 MiB as JSON' }),
  params: z.record(z.string(), z.unknown()).optional().meta({ description: 'Parameters of the processor' }),
});

/** The body of `POST /v1/jobs/{id}/pause`. */
export const pauseSchema = z.strictObject({
  reason: z.string().max(500).optional().meta({ description: 'Why; shown with the job' }),
});

const EXAMPLE = {
  name: 'delays-by-airport',
  source: { uri: 'data/flights/*.csv' },
  process: {
    use: 'sql',
    with: {
      map: 'select origin, count(*) n from chunk group by all',
      reduce: 'select origin, sum(n) n from partials group by origin order by origin',
    },
  },
  sink: { uri: 'out/delays.parquet' },
};

/** The OpenAPI 3.1 document of the app. */
export function openApiDocument(app: OpenAPIHono, version: string): object {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version,
      description:
        'Durable dataset processing on Temporal. Errors are RFC 9457 problem documents with a stable `code`.',
    },
    servers: [{ url: '/' }],
    // The empty one: where nobody is asked who they are.
    security: [{ bearer: [] }, {}],
    tags: [
      { name: 'jobs', description: 'Start, look at and steer jobs' },
      { name: 'results', description: 'What jobs gave' },
      { name: 'processors', description: 'What can be done to a dataset' },
      { name: 'access', description: 'Who asks, and who asked for what' },
      { name: 'service', description: 'The service itself' },
    ],
  });
}

/** The request bodies, which are read by hand so that every fault is told by the same words everywhere. */
export function registerBodies(app: OpenAPIHono): void {
  const registry = app.openAPIRegistry;
  registry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'A token of `millrace tokens create`, or a JSON Web Token of your identity provider',
  });
  registry.registerComponent('schemas', 'JobSpec', { ...inputSchema(jobSpecSchema), examples: [EXAMPLE] });
  registry.registerComponent('schemas', 'Trigger', inputSchema(triggerSchema));
  registry.registerComponent('schemas', 'Pause', inputSchema(pauseSchema));
  registry.registerComponent('schemas', 'JobChanges', inputSchema(jobChangesSchema));
  registry.registerComponent('schemas', 'Schedule', inputSchema(scheduleBodySchema));
  registry.registerComponent('schemas', 'UpcomingQuery', inputSchema(upcomingQuerySchema));
  registry.registerComponent('schemas', 'ScheduleNote', inputSchema(noteSchema));
  registry.registerComponent('schemas', 'TriggerSchedule', inputSchema(triggerScheduleSchema));
  registry.registerComponent('schemas', 'Backfill', inputSchema(backfillBodySchema));
}

function inputSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...plain } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return plain;
}
