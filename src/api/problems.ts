import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { MillraceError, asMillraceError, isDiskFull } from '../core/errors.js';
import type { Issue } from '../core/errors.js';
import { masked } from '../core/secrets.js';
import type { Mask } from '../core/secrets.js';
import type { Problem } from '../schema/views.js';

/** The HTTP status of every code, and its title. A code that ends in `*` stands for all that begin like it. */
export const PROBLEMS: Readonly<Record<string, readonly [status: ContentfulStatusCode, title: string]>> = {
  'request.malformed': [400, 'Malformed request body'],
  'request.invalid': [422, 'Invalid request'],
  'request.forbidden_host': [403, 'Unknown host'],
  'request.cross_site': [403, 'Request from another site'],
  'request.refused': [422, 'Refused by the Temporal server'],
  'request.too_many': [429, 'Too many requests'],
  'request.too_many_streams': [429, 'Too many event streams'],
  'request.not_found': [404, 'No such path'],
  'request.method': [405, 'Method not allowed'],
  'request.too_large': [413, 'Request body too large'],
  'request.media_type': [415, 'Unsupported media type'],
  'access.token_wanted': [401, 'Who are you?'],
  'access.token_refused': [401, 'Token refused'],
  'access.token_expired': [401, 'Token expired'],
  'access.no_role': [401, 'Token without a role'],
  'access.forbidden': [403, 'Role does not allow this'],
  'access.no_audit': [404, 'No audit log'],
  'access.*': [503, 'Callers cannot be identified'],
  'spec.invalid': [422, 'Invalid job spec'],
  'spec.unsupported': [422, 'Not supported by this version'],
  'idempotency.key_reused': [422, 'Idempotency-Key used for another spec'],
  'list.bad_cursor': [422, 'Invalid cursor'],
  'path.outside_root': [422, 'Path outside the allowed folders'],
  'processor.unknown': [422, 'Unknown processor'],
  'processor.bad_params': [422, 'Invalid processor parameters'],
  'job.bad_settings': [422, 'Invalid settings'],
  'job.not_found': [404, 'No such job'],
  'job.closed': [409, 'Job has ended'],
  'job.not_done': [409, 'Job has not ended'],
  'job.no_result': [409, 'Job has no result'],
  'job.open': [409, 'Job has not ended'],
  'job.nothing_to_retry': [409, 'Nothing to retry'],
  'job.expired': [410, 'Job is kept no longer'],
  'schedule.invalid': [422, 'Invalid schedule'],
  'schedule.exists': [409, 'Schedule exists'],
  'schedule.not_found': [404, 'No such schedule'],
  'schedule.foreign': [409, 'Schedule was not made by this service'],
  'schedule.changed': [412, 'Schedule is not what it was'],
  'schedule.busy': [409, 'Schedule is being changed'],
  'schedule.bad_backfill': [422, 'Backfill not possible'],
  'import.unreadable': [422, 'Cannot be read'],
  'import.invalid': [422, 'Faults in what is imported'],
  'rejects.invalid': [422, 'Invalid corrected rejects'],
  'job.no_worker': [503, 'No worker'],
  'result.too_large': [409, 'Result too large to be inline'],
  'output.folder': [409, 'Output is a folder of parts'],
  'output.table': [409, 'Output is a table'],
  'output.gone': [410, 'Output is gone'],
  'notify.*': [422, 'Webhook cannot be told'],
  'plan.timeout': [503, 'Plan not made in time'],
  'temporal.*': [503, 'Temporal server not usable'],
  's3.unreachable': [503, 'Object store not reached'],
  's3.*': [422, 'Object store cannot be used'],
  'work.unusable': [503, 'Work area not usable'],
  'work.*': [500, 'Work area damaged'],
  'worker.*': [500, 'A worker failed'],
  'encryption.*': [500, 'Cannot be decrypted'],
  internal: [500, 'Internal error'],
  'sink.no_space': [507, 'No space left'],
  'source.unreadable': [422, 'Source cannot be read'],
  'source.*': [422, 'Source cannot be used'],
  'sink.*': [422, 'Sink cannot be used'],
  'sql.*': [422, 'SQL refused'],
  'processor.*': [422, 'Processor refused'],
  'row.*': [422, 'Record refused'],
  'format.*': [422, 'Format refused'],
  'csv.*': [422, 'CSV refused'],
  'ndjson.*': [422, 'NDJSON refused'],
  'parquet.*': [422, 'Parquet refused'],
  'job.*': [409, 'Job state does not allow this'],
};

const RETRY_AFTER_S = '5';

/** An answer that is a problem with headers of its own, or with a place to go on from. */
export class HttpProblem extends MillraceError {
  constructor(
    code: string,
    message: string,
    readonly more: { issues?: Issue[]; headers?: Record<string, string>; link?: string } = {},
  ) {
    super(code, message, { issues: more.issues });
  }
}

/** Any error as `application/problem+json`. What nobody foresaw is logged, and said without its inside. */
export function problemResponse(error: unknown, c: Context, log: (line: string) => void, mask: Mask): Response {
  const known = recognised(error);
  const requestId = String(c.get('requestId') ?? '');
  if (!known) {
    log(
      `request ${requestId} ${c.req.method} ${c.req.path} failed: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }
  const { code, message, issues } = known ?? {
    code: 'internal',
    message: `something went wrong inside; the log has it under request ${requestId}`,
    issues: [],
  };
  const [status, title] = problemOf(code);
  const more = known instanceof HttpProblem ? known.more : {};
  const problem: Problem & { link?: string } = {
    type: `/problems/${code}`,
    code,
    title,
    status,
    detail: mask(message),
    instance: c.req.path,
    errors: masked(issues, mask),
    requestId,
    ...(more.link !== undefined && { link: more.link }),
  };
  return c.body(JSON.stringify(problem), status, {
    'content-type': 'application/problem+json',
    ...(status === 503 && { 'retry-after': RETRY_AFTER_S }),
    ...more.headers,
  });
}

/** Status and title of a code; 500 for one that is not in the table. */
export function problemOf(code: string): readonly [ContentfulStatusCode, string] {
  return PROBLEMS[code] ?? PROBLEMS[`${code.split('.')[0]}.*`] ?? PROBLEMS.internal!;
}

function recognised(error: unknown): MillraceError | null {
  if (error instanceof MillraceError || isDiskFull(error)) return asMillraceError(error);
  if (!(error instanceof HTTPException)) return null;
  const codes: Record<number, string> = {
    400: 'request.malformed',
    413: 'request.too_large',
    415: 'request.media_type',
  };
  const code = codes[error.status];
  return code === undefined ? null : new MillraceError(code, error.message);
}
