import { z } from 'zod';
import { MillraceError } from '../core/errors.js';
import { OVERLAPS } from '../core/schedule.js';
import type { ScheduleDocument } from '../core/schedule.js';
import { toIssues, wording } from '../schema/issues.js';
import { closed, isPlainObject } from '../schema/parts.js';
import { parseSchedule, scheduleSchema } from '../schema/schedule.js';
import { parseSpec, specDigest } from '../schema/spec.js';
import type { PutSchedule } from '../temporal/schedules.js';
import { nextTimes } from '../timetable/next-times.js';
import { hasTemplates, resolveTemplates } from '../timetable/templates.js';
import type { Catalogue } from './catalogue.js';
import { preflight } from './preflight.js';
import type { Checks } from './preflight.js';

/** What a start event may hold of a spec beside all else. */
const MAX_SPEC_BYTES = 128 * 1024;

/** As `POST` and `PUT` take it: `job` may stand in the place of `spec`. */
export const scheduleBodySchema = scheduleSchema.extend({
  id: scheduleSchema.shape.id.optional(),
  spec: scheduleSchema.shape.spec.optional(),
  job: z.string().min(1).optional().meta({ description: 'Id of a job whose spec is taken, in place of `spec`' }),
});
/** `when` and what bounds it; a whole schedule is taken as well. */
export const upcomingQuerySchema = scheduleBodySchema.extend({
  count: z.int().min(1).max(1000).default(10),
  until: z.iso.datetime({ offset: true }).optional().meta({ description: 'Not after this; RFC 3339' }),
});
export const noteSchema = closed({ note: z.string().max(1000).default('') });
export const triggerScheduleSchema = closed({
  overlap: z.enum(OVERLAPS).default('allowAll').meta({ description: 'allowAll: also while a run is open' }),
});
export const backfillBodySchema = closed({
  from: z.iso.datetime({ offset: true }),
  to: z.iso.datetime({ offset: true }),
  overlap: z.enum(OVERLAPS).default('bufferAll').meta({ description: 'bufferAll: one run after the other' }),
  preview: z.boolean().default(false),
});

/** A body, checked. @throws MillraceError `schedule.invalid` */
export function checked<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body, { error: wording });
  if (parsed.success) return parsed.data;
  const issues = toIssues(parsed.error);
  const first = issues[0]!;
  throw new MillraceError('schedule.invalid', `${first.at || 'body'}: ${first.message}`, {
    issues: issues.map(({ path, message }) => ({ path, message })),
  });
}

/**
 * Reads and checks a schedule before anything is stored: the document, then its spec as the next run will see it.
 * @param id of the path; the body may leave it out
 * @throws MillraceError `schedule.invalid`, `spec.*` with paths below `/spec`, and what `preflight` throws but for a missing source
 */
export async function readSchedule(
  body: unknown,
  id: string | undefined,
  deps: Checks,
  catalogue: () => Promise<Catalogue>,
): Promise<{ put: PutSchedule; warnings: string[] }> {
  const { schedule, document } = parseSchedule(await withSpec(body, id, deps.jobs));
  if (id !== undefined && schedule.id !== id) {
    throw fault('/id', `id: wanted "${id}", as in the path, or none, found "${schedule.id}"`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(document.spec));
  if (bytes > MAX_SPEC_BYTES) {
    throw fault(
      '/spec',
      `spec: ${bytes} bytes as JSON, at most ${MAX_SPEC_BYTES}; put items into a file and name it in source.uri`,
    );
  }
  const [next] = nextTimes(schedule, { from: new Date(), count: 1 });
  const moment = { time: next ?? new Date(), timezone: schedule.timezone };
  const spec = await below('/spec', () => parseSpec(resolveTemplates(document.spec, moment)));
  if (spec.options.start)
    throw fault(
      '/spec/options/start',
      'spec.options.start: a schedule has its own times; give when, startAt or jitter',
    );
  const warnings = await below('/spec', () => preflight(spec, deps, catalogue)).catch((error: unknown) => {
    if (!(error instanceof MillraceError && error.code === 'source.not_found')) throw error;
    return [`${error.message}; the run that finds none fails`];
  });
  if (!next) warnings.push('it never fires again');
  return {
    put: { schedule, document, spec, digest: specDigest(spec) },
    warnings: [...warnings, ...sinkWarnings(document, spec)],
  };
}

function sinkWarnings({ spec: given }: ScheduleDocument, { sink }: ReturnType<typeof parseSpec>): string[] {
  if (!sink || sink.ifExists === 'replace' || hasTemplates((given as { sink?: unknown }).sink)) return [];
  return [
    `sink.uri is the same for every run and sink.ifExists is "error": all but the first fail; put {{scheduledTime:…}} into it, or set "replace"`,
  ];
}

async function withSpec(body: unknown, id: string | undefined, jobs: Checks['jobs']): Promise<unknown> {
  if (!isPlainObject(body)) return body;
  const { job, ...rest } = id === undefined ? body : { id, ...body };
  if (job === undefined) return rest;
  if (rest.spec !== undefined) throw fault('/job', 'wanted either spec or job, found both');
  const model = checked(z.string().min(1), job);
  const spec = await jobs.specOf(model);
  if (isPlainObject(spec) && isPlainObject(spec.source) && 'itemsKey' in spec.source) {
    throw fault('/job', `job "${model}" has its items beside its spec; give the spec itself`);
  }
  return { ...rest, spec };
}

async function below<T>(path: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const issues = error.issues.map((issue) => ({ ...issue, path: path + issue.path }));
    throw new MillraceError(error.code, error.message, { issues, retryable: error.retryable, cause: error });
  }
}

function fault(path: string, message: string): MillraceError {
  return new MillraceError('schedule.invalid', message, { issues: [{ path, message }] });
}
