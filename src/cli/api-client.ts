import { MillraceError, messageOf, type Issue } from '../core/errors.js';
import type { JobView, Manifest, PlanView, ProcessorInfo } from '../core/job.js';
import type { Reject } from '../core/records.js';
import type { BackfillView, ScheduleRow, ScheduleView } from '../core/schedule-view.js';
import type { CheckedSchedule, ScheduleList, Triggered, Upcoming } from '../schema/schedule-views.js';

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

export interface SchedulesClient {
  /** All of them. */
  list(): Promise<ScheduleRow[]>;
  view(id: string): Promise<ScheduleView>;
  /** With the defaults filled in; stores nothing. */
  check(document: unknown): Promise<CheckedSchedule>;
  put(id: string, document: unknown): Promise<ScheduleView>;
  remove(id: string): Promise<void>;
  pause(id: string, note?: string): Promise<ScheduleView>;
  resume(id: string, note?: string): Promise<ScheduleView>;
  trigger(id: string): Promise<Triggered>;
  backfill(id: string, body: unknown): Promise<BackfillView>;
  upcoming(id: string, count: number): Promise<Upcoming>;
  runs(id: string, limit: number): Promise<JobPage>;
}

const TIMEOUT_MS = 30_000;
const HEALTH_TIMEOUT_MS = 1500;

/**
 * A thin client of the HTTP API at `url` (no trailing slash).
 * @param token the bearer token; absent: none is sent
 * Errors: `ApiProblem` with the API's own code; `api.unreachable` where nobody answers; `api.bad_answer` where it is not this API.
 */
export function apiClient(url: string, token?: string): ApiClient {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    ndjson?: string,
  ) => {
    let response: Response;
    try {
      response = await fetch(url + path, {
        method,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          accept: 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(ndjson === undefined ? {} : { 'content-type': 'application/x-ndjson' }),
          ...headers,
        },
        ...(body === undefined ? { body: ndjson } : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw unreachable(url, error);
    }
    if (!response.ok) throw await problemOf(response, url);
    return response;
  };
  const json = async <T>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<T> => {
    const response = await call(method, path, body, headers);
    try {
      return (await response.json()) as T;
    } catch {
      throw badAnswer(url, `${method} ${path}`);
    }
  };
  const jobPath = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`;
  const schedulePath = (id: string): string => `/v1/schedules/${encodeURIComponent(id)}`;

  return {
    url,
    async health() {
      try {
        const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
        await response.body?.cancel();
        return response.ok;
      } catch {
        return false;
      }
    },
    async about() {
      const response = await call('GET', '/');
      const { name, version } = (await response.json().catch(() => ({}))) as { name?: unknown; version?: unknown };
      if (name !== 'millrace' || typeof version !== 'string') throw badAnswer(url, 'GET /');
      const clock = new Date(response.headers.get('date') ?? '');
      return { version, clock: Number.isNaN(clock.getTime()) ? null : clock };
    },
    submit: (spec, key) => json('POST', '/v1/jobs', spec, key ? { 'idempotency-key': key } : {}),
    plan: (spec) => json('POST', '/v1/plan', spec),
    job: (id) => json('GET', jobPath(id)),
    jobs: (query = {}) => json('GET', `/v1/jobs${queryString(query)}`),
    cancel: (id) => json('POST', `${jobPath(id)}/cancel`),
    async retry(id, rejects) {
      const response = await call('POST', `${jobPath(id)}/retry`, undefined, {}, rejects);
      return (await response.json()) as JobView;
    },
    pause: (id, reason) => json('POST', `${jobPath(id)}/pause`, reason === undefined ? undefined : { reason }),
    resume: (id) => json('POST', `${jobPath(id)}/resume`),
    set: (id, settings) => json('PATCH', jobPath(id), settings),
    result: (id) => json('GET', `${jobPath(id)}/result`),
    manifest: (id) => json('GET', `${jobPath(id)}/manifest`),
    async rejects(id, limit = Number.POSITIVE_INFINITY) {
      const response = await call('GET', `${jobPath(id)}/rejects`, undefined, { accept: 'application/x-ndjson' });
      return readLines<Reject>(response, limit);
    },
    async processors() {
      const answer = await json<ProcessorInfo[] | { processors: ProcessorInfo[] }>('GET', '/v1/processors');
      return Array.isArray(answer) ? answer : answer.processors;
    },
    schedules: {
      async list() {
        const all: ScheduleRow[] = [];
        for (let cursor: string | null = ''; cursor !== null;) {
          const page: ScheduleList = await json('GET', `/v1/schedules${queryString(cursor ? { cursor } : {})}`);
          all.push(...page.schedules);
          cursor = page.nextCursor;
        }
        return all;
      },
      view: (id) => json('GET', schedulePath(id)),
      check: (document) => json('POST', '/v1/schedules/check', document),
      put: (id, document) => json('PUT', schedulePath(id), document),
      async remove(id) {
        await call('DELETE', schedulePath(id));
      },
      pause: (id, note) => json('POST', `${schedulePath(id)}/pause`, { note }),
      resume: (id, note) => json('POST', `${schedulePath(id)}/resume`, { note }),
      trigger: (id) => json('POST', `${schedulePath(id)}/trigger`),
      backfill: (id, body) => json('POST', `${schedulePath(id)}/backfill`, body),
      upcoming: (id, count) => json('GET', `${schedulePath(id)}/upcoming${queryString({ count })}`),
      runs: (id, limit) => json('GET', `${schedulePath(id)}/runs${queryString({ limit })}`),
    },
  };
}

function queryString(query: object): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) params.set(key, String(value));
  const text = params.toString();
  return text ? `?${text}` : '';
}

function unreachable(url: string, cause: unknown): MillraceError {
  const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
  const reason = timedOut ? `no answer within ${TIMEOUT_MS / 1000} s` : causeOf(cause);
  return new MillraceError(
    'api.unreachable',
    `No Millrace API at "${url}" (${reason}); start one with "npx millrace dev", or name another with --api URL`,
    { retryable: true, cause },
  );
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  if (code === 'ECONNREFUSED') return 'connection refused';
  return typeof code === 'string' ? code : messageOf(cause);
}

async function problemOf(response: Response, url: string): Promise<MillraceError> {
  const text = await response.text().catch(() => '');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  const { code, detail, title, errors } = (body ?? {}) as Record<string, unknown>;
  if (typeof code !== 'string') return badAnswer(url, `status ${response.status}`);
  const said = typeof detail === 'string' ? detail : typeof title === 'string' ? title : `Status ${response.status}`;
  const message = response.status === 401 ? `${said}; MILLRACE_TOKEN is where this command looks for a token` : said;
  return new ApiProblem(response.status, code, message, Array.isArray(errors) ? errors.map(issueOf) : []);
}

function issueOf(value: unknown): Issue {
  const { path, message } = (value ?? {}) as Record<string, unknown>;
  return { path: typeof path === 'string' ? path : '', message: typeof message === 'string' ? message : '' };
}

function badAnswer(url: string, what: string): MillraceError {
  return new MillraceError(
    'api.bad_answer',
    `What answers at "${url}" is not a Millrace API (${what}); name the right one with --api URL`,
  );
}

async function readLines<T>(response: Response, limit: number): Promise<T[]> {
  const rows: T[] = [];
  if (!response.body || limit <= 0) return rows;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() === '') continue;
      rows.push(JSON.parse(line) as T);
      // Leaving the loop cancels the body: the rest is never sent.
      if (rows.length >= limit) return rows;
    }
  }
  if (rest.trim() !== '') rows.push(JSON.parse(rest) as T);
  return rows;
}
