import { createClient } from '../client/client.js';
import type { Client } from '../client/client.js';
import { ApiError, createTransport } from '../client/transport.js';
import { MillraceError, type Issue } from '../core/errors.js';
import type { JobView, Manifest, PlanView, ProcessorInfo } from '../core/job.js';
import type { Reject } from '../core/records.js';
import type { BackfillView, ScheduleRow } from '../core/schedule-view.js';

/** An answer `application/problem+json` of the API. `code`, `message` and `issues` are those of the document. */
export class ApiProblem extends MillraceError {
  readonly status: number;

  constructor(status: number, code: string, message: string, issues: Issue[]) {
    super(code, message, { issues, retryable: status === 503 || status === 429 });
    this.status = status;
  }
}

export interface JobPage {
  jobs: JobView[];
  nextCursor: string | null;
}

export interface ResultView {
  rows: Record<string, unknown>[];
  columns: Array<{ name: string; type: string }>;
  truncated: boolean;
}

export interface JobQuery {
  state?: string;
  name?: string;
  schedule?: string;
  since?: string;
  limit?: number;
  cursor?: string;
}

export interface ApiClient {
  readonly url: string;
  health(): Promise<boolean>;
  /** Its version, and what its clock showed when it answered, to the second; null where it did not say. */
  about(): Promise<{ version: string; clock: Date | null }>;
  submit(spec: unknown, idempotencyKey?: string): Promise<JobView>;
  plan(spec: unknown): Promise<PlanView>;
  job(id: string): Promise<JobView>;
  jobs(query?: JobQuery): Promise<JobPage>;
  cancel(id: string): Promise<JobView>;
  /** @param rejects a corrected reject file, as its text */
  retry(id: string, rejects?: string): Promise<JobView>;
  pause(id: string, reason?: string): Promise<JobView>;
  resume(id: string): Promise<JobView>;
  /** Settings as `options` of a job spec write them. */
  set(id: string, settings: Record<string, unknown>): Promise<JobView>;
  result(id: string): Promise<ResultView>;
  manifest(id: string): Promise<Manifest>;
  /** The first `limit` rejected records, read no further than that. */
  rejects(id: string, limit?: number): Promise<Reject[]>;
  processors(): Promise<ProcessorInfo[]>;
  schedules: SchedulesClient;
}

type Schedules = Client['schedules'];

export interface SchedulesClient extends Pick<
  Schedules,
  'check' | 'put' | 'remove' | 'pause' | 'resume' | 'trigger' | 'upcoming'
> {
  /** All of them. */
  list(): Promise<ScheduleRow[]>;
  view: Schedules['get'];
  backfill(id: string, body: unknown): Promise<BackfillView>;
  runs(id: string, limit: number): Promise<JobPage>;
}

const HEALTH_TIMEOUT_MS = 1500;

/**
 * The client of the HTTP API at `url` (no trailing slash), as the commands use it: one try, and faults with what to do on a
 * command line.
 * @param token the bearer token; absent: none is sent
 * Errors: `ApiProblem` with the API's own code; `api.unreachable` where nobody answers; `api.bad_answer` where it is not this API.
 */
export function apiClient(url: string, token?: string): ApiClient {
  const options = { url, token, retries: 0 };
  const { jobs, schedules, plan, processors } = createClient(options);
  const call = createTransport(options);
  const told = <Args extends unknown[], T>(run: (...args: Args) => Promise<T>): ((...args: Args) => Promise<T>) => {
    return (...args) =>
      run(...args).catch((error: unknown) => {
        throw toldError(error, url);
      });
  };

  return {
    url,
    async health() {
      try {
        await (await call('/healthz', { timeoutMs: HEALTH_TIMEOUT_MS })).body?.cancel();
        return true;
      } catch {
        return false;
      }
    },
    about: told(async () => {
      const response = await call('/');
      const { name, version } = (await response.json().catch(() => ({}))) as { name?: unknown; version?: unknown };
      if (name !== 'millrace' || typeof version !== 'string') throw badAnswer(url, 'GET /');
      const clock = new Date(response.headers.get('date') ?? '');
      return { version, clock: Number.isNaN(clock.getTime()) ? null : clock };
    }),
    // A key makes another kind of id, and one try needs none.
    submit: told((spec: unknown, key?: string) => jobs.start(spec, { key: key ?? null })),
    plan: told(plan),
    job: told(jobs.get),
    jobs: told((query) => jobs.page(query as Parameters<typeof jobs.page>[0]) as Promise<JobPage>),
    cancel: told(jobs.cancel),
    retry: told((id, rejects) => jobs.retry(id, { rejects, key: null })),
    pause: told(jobs.pause),
    resume: told(jobs.resume),
    set: told(jobs.set),
    result: told(jobs.result as (id: string) => Promise<ResultView>),
    manifest: told(jobs.manifest),
    rejects: told((id, limit = Number.POSITIVE_INFINITY) => firstOf(jobs.rejects(id), limit)),
    processors: told(processors),
    schedules: {
      list: told(() => firstOf(schedules.list(), Number.POSITIVE_INFINITY)),
      view: told(schedules.get),
      check: told(schedules.check),
      put: told(schedules.put),
      remove: told(schedules.remove),
      pause: told(schedules.pause),
      resume: told(schedules.resume),
      trigger: told(schedules.trigger),
      backfill: told(schedules.backfill as (id: string, body: unknown) => Promise<BackfillView>),
      upcoming: told(schedules.upcoming),
      runs: told(schedules.runs),
    },
  };
}

function toldError(error: unknown, url: string): unknown {
  if (error instanceof SyntaxError) return badAnswer(url, 'no JSON');
  if (!(error instanceof ApiError)) return error;
  const { status, code, message, issues } = error;
  if (code === 'api.bad_answer') return badAnswer(url, `status ${status}`);
  if (code === 'api.unreachable') {
    const sentence = message.replace(/^n/, 'N');
    return new MillraceError(code, `${sentence}; start one with "npx millrace dev", or name another with --api URL`, {
      retryable: true,
      cause: error,
    });
  }
  const hint = status === 401 ? '; MILLRACE_TOKEN is where this command looks for a token' : '';
  return new ApiProblem(status, code, message + hint, [...issues]);
}

function badAnswer(url: string, what: string): MillraceError {
  return new MillraceError(
    'api.bad_answer',
    `What answers at "${url}" is not a Millrace API (${what}); name the right one with --api URL`,
  );
}

/** Who takes no more has read no more. */
async function firstOf<T>(all: AsyncIterable<T>, most: number): Promise<T[]> {
  const found: T[] = [];
  if (most <= 0) return found;
  for await (const one of all) {
    found.push(one);
    if (found.length >= most) break;
  }
  return found;
}
