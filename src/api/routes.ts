import { createRoute, z } from '@hono/zod-openapi';
import type { RouteConfig } from '@hono/zod-openapi';
import { MAX_CHUNK_ROWS } from '../core/chunk-view.js';
import {
  auditListSchema,
  callerSchema,
  chunkListSchema,
  chunkStateSchema,
  jobRowsSchema,
  jobStateSchema,
  jobViewSchema,
  manifestSchema,
  planViewSchema,
  processorListSchema,
} from '../schema/views.js';
import { parseDuration } from '../schema/units.js';
import { JobList, MAX_PAGE, json, leadsTo, problems, ref } from './route-parts.js';
import { ifNoneMatch, notModified, revalidated } from './revalidated.js';
import { SCHEDULE_ROUTES } from './schedule-routes.js';

/** Typed as any text, for their names would else be taken for what the answer is made of. */
const NDJSON: string = 'application/x-ndjson';
const PLAIN: string = 'text/plain';
const MAX_WAIT_MS = 60_000;

const JobView = jobViewSchema.meta({ id: 'JobView' });
const ChunkList = chunkListSchema.meta({ id: 'ChunkList' });
const PlanView = planViewSchema.meta({ id: 'PlanView' });
const ProcessorList = processorListSchema.meta({ id: 'ProcessorList' });
const JobRows = jobRowsSchema.meta({ id: 'JobRows' });
const Manifest = manifestSchema.meta({ id: 'Manifest' });
const Health = z.object({ status: z.string() }).meta({ id: 'Health' });
const Readiness = z.object({ status: z.literal('ready'), workers: z.int() }).meta({ id: 'Readiness' });
const Caller = callerSchema.meta({ id: 'Caller' });
const AuditList = auditListSchema.meta({ id: 'AuditList' });
const Index = z
  .object({ name: z.string(), version: z.string(), links: z.record(z.string(), z.string()) })
  .meta({ id: 'Index' });

const JobSpecGiven = z.record(z.string(), z.unknown());

const text = { type: 'string' } as const;
const specBody = {
  required: true,
  content: { 'application/json': ref('JobSpec'), 'application/yaml': ref('JobSpec') },
};
const triggerBody = { required: true, content: { 'application/json': ref('Trigger') } };

const waitQuery = z
  .string()
  .transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== null && ms <= MAX_WAIT_MS) return ms;
    context.addIssue({
      code: 'custom',
      message: `wanted a duration up to ${MAX_WAIT_MS / 1000}s such as "30s", found ${JSON.stringify(value)}`,
    });
    return z.NEVER;
  })
  .optional()
  .openapi({
    type: 'string',
    description: 'Answer when the job has ended, at the latest after this time',
    example: '30s',
  });

const idParam = z.object({
  id: z
    .string()
    .min(1)
    .openapi({ param: { name: 'id', in: 'path' }, example: 'j-01939c4e-7b2a-7cc0-8c66-6d1f0e4b5a10' }),
});
const idempotencyHeader = z.object({
  'idempotency-key': z.string().min(1).max(255).optional().openapi({
    description: 'The same key and spec give the same job; the same key with another spec is refused',
  }),
});
const retryKeyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .openapi({ description: 'The same key gives the same retry' }),
});
const location = z.object({ Location: z.string().openapi({ description: 'Path of the job' }) });
const started = {
  ...json('Accepted', JobView, location),
  ...leadsTo(
    'getJob',
    'watchJob',
    'listChunks',
    'getSpec',
    'cancelJob',
    'retryJob',
    'pauseJob',
    'resumeJob',
    'changeJob',
    'getResult',
    'getOutput',
    'getManifest',
    'getRejects',
  ),
};

export const createJob = createRoute({
  method: 'post',
  path: '/v1/jobs',
  operationId: 'createJob',
  summary: 'Start a job',
  tags: ['jobs'],
  request: { body: specBody, query: z.object({ wait: waitQuery }), headers: idempotencyHeader },
  responses: { 202: started, ...problems(400, 413, 415, 422, 503) },
});

export const createPlan = createRoute({
  method: 'post',
  path: '/v1/plan',
  operationId: 'planJob',
  summary: 'What a job would do; starts nothing',
  tags: ['jobs'],
  request: { body: specBody },
  responses: { 200: json('The plan', PlanView), ...problems(400, 413, 415, 422, 503) },
});

export const listProcessors = createRoute({
  method: 'get',
  path: '/v1/processors',
  operationId: 'listProcessors',
  summary: 'What the workers have to offer',
  tags: ['processors'],
  responses: { 200: json('Processors and workers', ProcessorList), ...problems() },
});

export const triggerProcessor = createRoute({
  method: 'post',
  path: '/v1/processors/{name}/jobs',
  operationId: 'triggerProcessor',
  summary: 'Start a processor on data in hand',
  tags: ['processors'],
  request: {
    params: z.object({
      name: z
        .string()
        .min(1)
        .openapi({ param: { name: 'name', in: 'path' }, example: 'geocode' }),
    }),
    body: triggerBody,
    query: z.object({ wait: waitQuery }),
    headers: idempotencyHeader,
  },
  responses: { 202: started, ...problems(400, 413, 415, 422, 503) },
});

export const listJobs = createRoute({
  method: 'get',
  path: '/v1/jobs',
  operationId: 'listJobs',
  summary: 'Jobs, newest first',
  tags: ['jobs'],
  request: {
    query: z.object({
      state: jobStateSchema.optional(),
      name: z.string().min(1).optional().openapi({ description: 'The exact name' }),
      search: z.string().min(1).optional().openapi({ description: 'What the name or the id begins with' }),
      schedule: z.string().min(1).optional().openapi({ description: 'Started by the schedule with this id' }),
      since: z.iso.datetime({ offset: true }).optional().openapi({ description: 'Started at or after; RFC 3339' }),
      limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
      cursor: z.string().min(1).optional().openapi({ description: '`nextCursor` of the page before' }),
    }),
  },
  responses: { 200: json('A page of jobs, without progress, result and error', JobList), ...problems(422, 503) },
});

export const getJob = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}',
  operationId: 'getJob',
  summary: 'One job',
  tags: ['jobs'],
  ...revalidated,
  request: { params: idParam, query: z.object({ wait: waitQuery }), headers: z.object(ifNoneMatch) },
  responses: { 200: json('The job', JobView), ...notModified, ...problems(404, 422, 503) },
});

/** One of the events: a stream has no schema of its own. */
const JobEvent = z
  .object({
    event: z.enum(['job', 'end', 'trouble']),
    id: z.string().optional().openapi({ description: 'Of a standing, for `Last-Event-ID`' }),
    data: z.string().openapi({ description: 'JSON: the job, or of `trouble` its code and message' }),
  })
  .meta({ id: 'JobEvent' });

export const watchJob = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/events',
  operationId: 'watchJob',
  summary: 'How a job stands, told when it changes, to its end',
  description:
    'Server-sent events. `job` and `end` carry the job view, the first at once; `end` is the last. `trouble` carries ' +
    '`{code, message}` while the job cannot be asked for. With `Last-Event-ID` a standing that is known is not told again; ' +
    'of a job whose end is known: 204.',
  tags: ['jobs'],
  request: {
    params: idParam,
    headers: z.object({
      'last-event-id': z.string().optional().openapi({ description: 'Id of the newest event known' }),
    }),
  },
  responses: {
    200: { description: 'The events', content: { 'text/event-stream': { schema: JobEvent } } },
    204: { description: 'The job has ended and the caller knows how' },
    ...problems(404, 503),
  },
});

export const listChunks = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/chunks',
  operationId: 'listChunks',
  summary: 'How the chunks of a job stand, in their order',
  description:
    'A row is a run of neighbouring chunks: those that one activity takes, or that wait between two of them. Of a job whose ' +
    'receipts are kept no longer, and of one so small that it wrote none, all chunks are one row.',
  tags: ['jobs'],
  request: {
    params: idParam,
    query: z.object({
      state: chunkStateSchema.optional(),
      limit: z.coerce.number().int().min(1).max(MAX_CHUNK_ROWS).default(200),
      cursor: z
        .string()
        .regex(/^\d{1,15}$/, 'wanted the nextCursor of the page before')
        .optional()
        .openapi({ description: '`nextCursor` of the page before' }),
    }),
  },
  responses: { 200: json('A page of chunks', ChunkList), ...problems(404, 422, 503) },
});

export const getSpec = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/spec',
  operationId: 'getSpec',
  summary: 'The spec of a job as it was given',
  description: 'Items above 32 KiB lie in the work area: `source.itemsKey` stands in their place.',
  tags: ['jobs'],
  ...revalidated,
  request: { params: idParam, headers: z.object(ifNoneMatch) },
  responses: { 200: json('The spec', JobSpecGiven), ...notModified, ...problems(404, 503) },
});

export const cancelJob = createRoute({
  method: 'post',
  path: '/v1/jobs/{id}/cancel',
  operationId: 'cancelJob',
  summary: 'Cancel an open job; repeating it is harmless',
  tags: ['jobs'],
  request: { params: idParam },
  responses: { 200: json('The job; one that had ended is unchanged', JobView), ...problems(404, 503) },
});

export const retryJob = createRoute({
  method: 'post',
  path: '/v1/jobs/{id}/retry',
  operationId: 'retryJob',
  summary: 'Run what failed, was rejected or never ran of an ended job',
  description:
    'A body is a corrected reject file: lines of GET …/rejects with `raw` mended. Records without a line stay rejected. ' +
    'Repeating the request while the retry runs, or at any time with the same Idempotency-Key, gives the same retry.',
  tags: ['jobs'],
  request: {
    params: idParam,
    headers: retryKeyHeader,
    body: { required: false, content: { [NDJSON]: { schema: text } } },
  },
  responses: { 202: started, ...problems(404, 409, 410, 413, 415, 422, 503) },
});

const pauseBody = { required: false, content: { 'application/json': ref('Pause') } };
const controlled = { 200: json('The job as it is now', JobView), ...problems(400, 404, 409, 413, 415, 422, 503) };

export const pauseJob = createRoute({
  method: 'post',
  path: '/v1/jobs/{id}/pause',
  operationId: 'pauseJob',
  summary: 'Hand out no more chunks; those at work end. Repeating it is harmless',
  tags: ['jobs'],
  request: { params: idParam, body: pauseBody },
  responses: controlled,
});

export const resumeJob = createRoute({
  method: 'post',
  path: '/v1/jobs/{id}/resume',
  operationId: 'resumeJob',
  summary: 'Hand out chunks again; repeating it is harmless',
  tags: ['jobs'],
  request: { params: idParam },
  responses: controlled,
});

export const changeJob = createRoute({
  method: 'patch',
  path: '/v1/jobs/{id}',
  operationId: 'changeJob',
  summary: 'Change concurrency, rate, tolerances and priority while the job runs',
  tags: ['jobs'],
  request: { params: idParam, body: { required: true, content: { 'application/json': ref('JobChanges') } } },
  responses: controlled,
});

export const getResult = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/result',
  operationId: 'getResult',
  summary: 'The rows of a small result',
  tags: ['results'],
  request: { params: idParam },
  responses: { 200: json('All rows', JobRows), ...problems(404, 409, 410, 503) },
});

export const getOutput = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/output',
  operationId: 'getOutput',
  summary: 'The bytes of the result file',
  tags: ['results'],
  request: { params: idParam },
  responses: {
    200: {
      description: 'The committed file',
      content: {
        'text/csv': { schema: text },
        [NDJSON]: { schema: text },
        'application/vnd.apache.parquet': { schema: { ...text, format: 'binary' } },
      },
    },
    ...problems(404, 409, 410, 503),
  },
});

export const getManifest = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/manifest',
  operationId: 'getManifest',
  summary: 'What was read and written, with digests',
  tags: ['results'],
  ...revalidated,
  request: { params: idParam, headers: z.object(ifNoneMatch) },
  responses: { 200: json('The manifest', Manifest), ...notModified, ...problems(404, 409, 410, 503) },
});

export const getRejects = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/rejects',
  operationId: 'getRejects',
  summary: 'The rejected records, one a line',
  tags: ['results'],
  request: { params: idParam },
  responses: {
    200: { description: 'NDJSON; empty where none was kept', content: { [NDJSON]: { schema: text } } },
    ...problems(404, 409, 410, 503),
  },
});

export const getCaller = createRoute({
  method: 'get',
  path: '/v1/caller',
  operationId: 'caller',
  summary: 'Who you are to this service',
  tags: ['access'],
  responses: { 200: json('You', Caller), ...problems() },
});

export const listAudit = createRoute({
  method: 'get',
  path: '/v1/audit',
  operationId: 'listAudit',
  summary: 'Who changed what in your tenant, or was refused, newest first; for admins',
  description: 'What this API process has written into the file of MILLRACE_AUDIT, as far as its last 4 MiB go back.',
  tags: ['access'],
  request: { query: z.object({ limit: z.coerce.number().int().min(1).max(1000).default(100) }) },
  responses: { 200: json('The newest entries', AuditList), ...problems(404, 422) },
});

export const getHealth = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'health',
  summary: 'The process is alive',
  tags: ['service'],
  responses: { 200: json('Alive', Health), ...problems() },
});

export const getReadiness = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'readiness',
  summary: 'The Temporal server is reachable and a worker polls the queue',
  tags: ['service'],
  responses: { 200: json('Ready', Readiness), ...problems(503) },
});

export const getMetrics = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'metrics',
  summary: 'Metrics of this API process and of the queues, for Prometheus',
  tags: ['service'],
  responses: { 200: { description: 'The metrics', content: { [PLAIN]: { schema: text } } }, ...problems() },
});

export const getOpenApi = createRoute({
  method: 'get',
  path: '/openapi.json',
  operationId: 'openapi',
  summary: 'This document',
  tags: ['service'],
  responses: {
    200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
    ...problems(),
  },
});

export const getIndex = createRoute({
  method: 'get',
  path: '/',
  operationId: 'index',
  summary: 'Where everything is',
  tags: ['service'],
  responses: {
    200: {
      description: 'JSON, or the dashboard for browsers',
      content: { 'application/json': { schema: Index }, 'text/html': { schema: text } },
    },
    ...problems(),
  },
});

/** Every route: what answers 405, and what a test holds against the OpenAPI document. */
export const ROUTES: ReadonlyArray<Pick<RouteConfig, 'method' | 'path'>> = [
  createJob,
  createPlan,
  listProcessors,
  triggerProcessor,
  listJobs,
  getJob,
  watchJob,
  listChunks,
  getSpec,
  cancelJob,
  retryJob,
  pauseJob,
  resumeJob,
  changeJob,
  getResult,
  getOutput,
  getManifest,
  getRejects,
  ...SCHEDULE_ROUTES,
  getCaller,
  listAudit,
  getHealth,
  getReadiness,
  getMetrics,
  getOpenApi,
  getIndex,
];

/** The methods that a path knows; empty for a path that is none. */
export function methodsOf(path: string): string[] {
  const known = ROUTES.filter((route) =>
    new RegExp(`^${route.path.replace(/\{[^}]+\}/g, '[^/]+').replaceAll('.', '\\.')}$`).test(path),
  );
  const methods = known.flatMap((route) => (route.method === 'get' ? ['GET', 'HEAD'] : [route.method.toUpperCase()]));
  return [...new Set(methods)].sort();
}
