/** What the API answers, as zod schemas for the OpenAPI document; a test holds them equal to the plain types of core. */
import { z } from 'zod';
import { ROLES } from '../core/access.js';
import { CHUNK_STATES } from '../core/chunk-view.js';
import { END_STATES, OPEN_STATES } from '../core/job.js';

export const jobStateSchema = z.enum([...OPEN_STATES, ...END_STATES]);

const count = z.int().min(0);
const timestamp = z.string().meta({ format: 'date-time', description: 'RFC 3339, UTC' });
const row = z.record(z.string(), z.unknown());
const outputColumn = z.object({ name: z.string(), type: z.string() });
const columnSchema = z.object({
  name: z.string(),
  type: z.enum(['int', 'float', 'bool', 'date', 'timestamp', 'string', 'json']),
});

const countsSchema = z
  .object({ in: count, used: count, filtered: count, rejected: count, out: count })
  .meta({ description: 'Fates of the records: in = used + filtered + rejected; out is counted apart' });

const outputRefSchema = z.object({
  uri: z.string(),
  inWorkArea: z.boolean(),
  format: z.enum(['csv', 'ndjson', 'parquet']),
  gzip: z.literal(true).optional().meta({ description: 'Text that is gzipped' }),
  single: z.boolean(),
  partitionBy: z.array(z.string()).optional().meta({ description: 'Columns that name the folders of the parts' }),
  records: count,
  bytes: count,
  columns: z.array(outputColumn),
});

const jobResultSchema = z.object({
  state: z.enum(['completed', 'completed_with_rejects']),
  counts: countsSchema,
  bytes: count,
  chunks: count,
  finishedAt: z.string(),
  manifest: z.string(),
  output: outputRefSchema,
  rejects: z.object({ uri: z.string(), records: count }).nullable(),
  failedChunks: count.meta({ description: 'Chunks that were given up; the manifest names them' }),
  rows: z.array(row).optional(),
});

const toleranceSchema = z.union([z.object({ count }), z.object({ share: z.number() })]).nullable();
const perSecond = z.number().meta({ description: 'Per second' });

const jobSettingsSchema = z.object({
  concurrency: z.int().meta({ description: 'Chunk activities at once, over all workers' }),
  rate: z.union([z.object({ records: perSecond }), z.object({ chunks: perSecond })]).nullable(),
  rejects: toleranceSchema.meta({ description: 'Rejected records that the job bears; null: any number' }),
  failedChunks: toleranceSchema.meta({ description: 'Chunks that may fail for good; null: any number' }),
  priority: z.int(),
});

/** What `PATCH /v1/jobs/{id}` takes; read by `parseSettings`, which also says what is wrong. */
export const jobChangesSchema = z
  .object({
    concurrency: z.int().min(1).max(10_000),
    rate: z.union([z.object({ records: z.string() }), z.object({ chunks: z.string() })]).nullable(),
    rejects: z.object({ tolerate: z.union([z.int(), z.string()]) }),
    failedChunks: z.object({ tolerate: z.union([z.int(), z.string()]) }),
    priority: z.int().min(1).max(5),
  })
  .partial()
  .meta({ examples: [{ concurrency: 4, rate: { records: '500/s' }, rejects: { tolerate: '1%' } }] });

export const jobViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  processor: z.string(),
  state: jobStateSchema,
  source: z.string().nullable(),
  createdAt: timestamp,
  finishedAt: timestamp.nullable(),
  startsAt: timestamp.nullable().meta({ description: 'When it begins, where options.start says so' }),
  schedule: z
    .object({ id: z.string(), time: timestamp.nullable() })
    .nullable()
    .meta({ description: 'What started the job, and its nominal time; null where a caller did' }),
  generation: z.int().min(0).meta({ description: '0, and one more for each retry' }),
  progress: z
    .object({
      chunks: z.object({ total: count, done: count, running: count, failed: count }),
      records: countsSchema,
      bytes: z.object({ total: count, done: count }),
      expectedRecords: count,
      rate: z.number().meta({ description: 'Records per second since the start' }),
      eta: z.number().nullable().meta({ description: 'Seconds left at that rate; null when unknown' }),
    })
    .nullable(),
  paused: z.string().nullable().meta({ description: 'Why the job is paused; null where it is not' }),
  settings: jobSettingsSchema.nullable().meta({ description: 'What can be changed, as it stands now' }),
  stale: z.boolean(),
  result: jobResultSchema.nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  warnings: z.array(z.string()),
  links: z.object({
    self: z.string(),
    result: z.string(),
    output: z.string(),
    manifest: z.string(),
    rejects: z.string(),
    temporal: z.string().nullable(),
  }),
});

export const jobListSchema = z.object({ jobs: z.array(jobViewSchema), nextCursor: z.string().nullable() });

export const chunkStateSchema = z.enum(CHUNK_STATES);

export const chunkRowSchema = z.object({
  from: count.meta({ description: 'First chunk, from 0' }),
  to: count.meta({ description: 'The chunk behind the last one' }),
  state: chunkStateSchema,
  attempt: z.int().nullable().meta({ description: 'From 1; null where there is none, or nobody kept which' }),
  counts: countsSchema.nullable().meta({ description: 'Null unless they are done' }),
  bytes: count.meta({ description: 'Source bytes read' }),
  endedAt: timestamp.nullable(),
  error: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .meta({ description: 'Why they were given up; of running ones what the attempt before failed of' }),
});

export const chunkListSchema = z.object({
  total: count.meta({ description: 'Chunks of the job; 0 while there is no plan' }),
  chunks: z
    .array(chunkRowSchema)
    .meta({ description: 'Each chunk is in one row, with the neighbours it is worked on with' }),
  nextCursor: z.string().nullable(),
});

export const planViewSchema = z.object({
  name: z.string(),
  processor: z.string(),
  format: z.string(),
  files: count,
  chunks: count,
  bytes: count,
  records: count,
  recordsExact: z.boolean(),
  chunksPerActivity: count,
  concurrency: count,
  columns: z.array(columnSchema),
  output: z.array(outputColumn).nullable(),
  sample: z.array(row),
  warnings: z.array(z.string()),
});

export const processorInfoSchema = z.object({
  name: z.string(),
  description: z.string(),
  kind: z.enum(['sql', 'record', 'batch', 'reduce']),
  params: row.meta({ description: 'JSON Schema of process.with' }),
});

const workerSchema = z.object({
  id: z.string(),
  host: z.string(),
  taskQueue: z.string(),
  threads: count,
  renewedAt: timestamp,
});

export const processorListSchema = z.object({
  processors: z.array(
    processorInfoSchema.extend({
      workers: z.array(z.string()).meta({ description: 'Ids of the workers that have it' }),
    }),
  ),
  workers: z.array(workerSchema),
});

export const jobRowsSchema = z.object({
  rows: z.array(row),
  columns: z.array(outputColumn),
  truncated: z.literal(false),
});

export const manifestSchema = z.object({
  version: z.literal(1),
  generation: count,
  job: z.string(),
  name: z.string(),
  specDigest: z.string(),
  sources: z.array(
    z.object({ uri: z.string() }).and(
      z.union([
        z.object({ size: count, mtimeMs: z.number(), inode: z.number() }),
        z.object({
          size: count,
          etag: z.string().nullable(),
          modified: z.string().nullable(),
          streamed: z.literal(true).optional(),
        }),
      ]),
    ),
  ),
  columns: z.array(columnSchema),
  counts: countsSchema,
  output: outputRefSchema,
  parts: z.array(
    z.object({
      uri: z.string(),
      chunk: count.nullable(),
      records: count,
      bytes: count,
      sha256: z.string(),
      partition: z.string().optional(),
    }),
  ),
  rejects: z.array(z.object({ uri: z.string(), records: count })),
  failedChunks: z.array(z.object({ from: count, to: count, code: z.string(), message: z.string() })),
  started: timestamp,
  finished: timestamp,
});

/** RFC 9457, with the project's stable `code`. */
export const problemSchema = z.object({
  type: z.string().meta({ description: '/problems/<code>' }),
  code: z.string().meta({ description: 'Stable; what programs should look at' }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  errors: z.array(z.object({ path: z.string().meta({ description: 'JSON pointer' }), message: z.string() })),
  requestId: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;

/** `GET /v1/processors` as the CLI reads it. */
export type ProcessorList = z.infer<typeof processorListSchema>;
export type ChunkList = z.infer<typeof chunkListSchema>;
export type JobList = z.infer<typeof jobListSchema>;
export type JobRows = z.infer<typeof jobRowsSchema>;

export const callerSchema = z.object({
  subject: z.string().meta({ description: '`token:<id>`, `oidc:<subject>`, or `anonymous` where nobody is asked' }),
  role: z.enum(ROLES),
  tenant: z.string(),
  expiresAt: z.iso.datetime().nullable(),
});

export const auditListSchema = z.object({
  entries: z.array(
    z.object({
      at: z.iso.datetime(),
      requestId: z.string(),
      subject: z.string().nullable(),
      tenant: z.string().nullable(),
      address: z.string().nullable().meta({ description: 'Of the connection; behind a proxy that of the proxy' }),
      method: z.string(),
      path: z.string(),
      status: z.int(),
      code: z.string().optional().meta({ description: 'Of the problem, where it was refused' }),
    }),
  ),
});
