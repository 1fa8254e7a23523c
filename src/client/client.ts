/** A client of the HTTP API, for programs: `import { createClient } from 'millrace/client'`. */
import { isEndState } from '../core/job.js';
import type { JobState, JobView, Manifest, PlanView, ProcessorInfo } from '../core/job.js';
import type { Reject } from '../core/records.js';
import type { BackfillView, ScheduleRow, ScheduleView } from '../core/schedule-view.js';
import type { CheckedSchedule, ScheduleList, Triggered, Upcoming } from '../schema/schedule-views.js';
import type { JobList, JobRows } from '../schema/views.js';
import { eventsOf } from './events.js';
import { ApiError, createTransport } from './transport.js';
import type { Call, ClientOptions } from './transport.js';

export interface JobQuery {
  state?: JobState;
  /** The exact name. */
  name?: string;
  /** What the name or the id begins with. */
  search?: string;
  schedule?: string;
  /** RFC 3339. */
  since?: string;
}

/** All throw `ApiError`. */
export interface Client {
  jobs: {
    /**
     * Starts a job.
     * @param options.key Idempotency-Key: the same key and spec give the same job. Default: one of chance, so that a call whose
     * answer was lost starts nothing twice; null: none, and then no second try
     */
    start(spec: unknown, options?: { key?: string | null }): Promise<JobView>;
    get(id: string): Promise<JobView>;
    /** Newest first, page by page as they are taken; without progress, result and error. */
    list(query?: JobQuery): AsyncGenerator<JobView>;
    page(query?: JobQuery & { limit?: number; cursor?: string }): Promise<JobList>;
    /** How a job stands, whenever that changes, to its end; a connection that is lost is made again. */
    watch(id: string, options?: { signal?: AbortSignal }): AsyncGenerator<JobView>;
    /** The job when it has ended, however that may be. */
    end(id: string, options?: { signal?: AbortSignal }): Promise<JobView>;
    /** The rows of a small result. */
    result(id: string): Promise<JobRows>;
    /** The bytes of a result that is one file. */
    output(id: string): Promise<ReadableStream<Uint8Array>>;
    manifest(id: string): Promise<Manifest>;
    /** Rejected records as they are taken: who stops early has read no more. */
    rejects(id: string): AsyncGenerator<Reject>;
    spec(id: string): Promise<unknown>;
    cancel(id: string): Promise<JobView>;
    /** @param options.rejects a corrected reject file, as its text @param options.key as of `start` */
    retry(id: string, options?: { rejects?: string; key?: string | null }): Promise<JobView>;
    pause(id: string, reason?: string): Promise<JobView>;
    resume(id: string): Promise<JobView>;
    /** @param settings as `options` of a job spec write them */
    set(id: string, settings: Record<string, unknown>): Promise<JobView>;
  };
  schedules: {
    list(): AsyncGenerator<ScheduleRow>;
    get(id: string): Promise<ScheduleView>;
    /** With the defaults filled in; stores nothing. */
    check(document: unknown): Promise<CheckedSchedule>;
    put(id: string, document: unknown): Promise<ScheduleView>;
    remove(id: string): Promise<void>;
    pause(id: string, note?: string): Promise<ScheduleView>;
    resume(id: string, note?: string): Promise<ScheduleView>;
    trigger(id: string): Promise<Triggered>;
    backfill(
      id: string,
      body: { from: string; to: string; overlap?: string; preview?: boolean },
    ): Promise<BackfillView>;
    upcoming(id: string, count?: number): Promise<Upcoming>;
    runs(id: string, limit?: number): Promise<JobList>;
  };
  /** What a job would do; starts nothing. */
  plan(spec: unknown): Promise<PlanView>;
  processors(): Promise<ProcessorInfo[]>;
  /** Starts a processor on data in hand. */
  process(processor: string, items: unknown[], params?: Record<string, unknown>): Promise<JobView>;
  /** Who you are to the service. */
  caller(): Promise<{ subject: string; role: string; tenant: string; expiresAt: string | null }>;
}

const WAIT_S = 30;
const PAGE = 200;

export function createClient(options: ClientOptions): Client {
  const call = createTransport(options);
  const json = async <T>(path: string, how?: Call): Promise<T> => (await (await call(path, how)).json()) as T;
  const job = (id: string, part = '') => `/v1/jobs/${encodeURIComponent(id)}${part}`;
  const schedule = (id: string, part = '') => `/v1/schedules/${encodeURIComponent(id)}${part}`;
  const keyed = (key: string | null = crypto.randomUUID()) =>
    key === null ? {} : { headers: { 'idempotency-key': key }, repeatable: true };
  const order = (path: string, body?: unknown) => json<JobView>(path, { method: 'POST', body, repeatable: true });
  const page: Client['jobs']['page'] = (query) => json('/v1/jobs', { query });

  async function* watch(id: string, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<JobView> {
    let seen: string | undefined;
    for (;;) {
      const headers = { accept: 'text/event-stream', ...(seen !== undefined && { 'last-event-id': seen }) };
      // A stream is as long as its job.
      const response = await call(job(id, '/events'), { headers, signal, timeoutMs: 2 ** 31 - 1 });
      if (response.status === 204) return;
      try {
        for await (const { event, data, id: at } of eventsOf(response.body!)) {
          seen = at ?? seen;
          if (event === 'trouble') continue;
          yield JSON.parse(data) as JobView;
          if (event === 'end') return;
        }
      } catch (error) {
        if (error instanceof ApiError || signal?.aborted) throw error;
        // Lost on the way: what was missed comes first.
      }
    }
  }

  return {
    jobs: {
      start: (spec, { key } = {}) => json('/v1/jobs', { method: 'POST', body: spec, ...keyed(key) }),
      get: (id) => json(job(id)),
      page,
      async *list(query = {}) {
        for (let cursor: string | null | undefined; cursor !== null;) {
          const found: JobList = await page({ ...query, limit: PAGE, ...(cursor !== undefined && { cursor }) });
          yield* found.jobs as JobView[];
          cursor = found.nextCursor;
        }
      },
      watch,
      async end(id, { signal } = {}) {
        for (;;) {
          const view = await json<JobView>(job(id), {
            query: { wait: `${WAIT_S}s` },
            signal,
            timeoutMs: 2 * WAIT_S * 1000,
          });
          if (isEndState(view.state)) return view;
        }
      },
      result: (id) => json(job(id, '/result')),
      output: async (id) => (await call(job(id, '/output'), { headers: { accept: '*/*' } })).body!,
      manifest: (id) => json(job(id, '/manifest')),
      async *rejects(id) {
        yield* linesOf<Reject>(await call(job(id, '/rejects'), { headers: { accept: 'application/x-ndjson' } }));
      },
      spec: (id) => json(job(id, '/spec')),
      cancel: (id) => order(job(id, '/cancel')),
      retry: (id, { rejects, key } = {}) =>
        json(job(id, '/retry'), {
          method: 'POST',
          ...keyed(key),
          ...(rejects !== undefined && { text: { type: 'application/x-ndjson', text: rejects } }),
        }),
      pause: (id, reason) => order(job(id, '/pause'), reason === undefined ? undefined : { reason }),
      resume: (id) => order(job(id, '/resume')),
      set: (id, settings) => json(job(id), { method: 'PATCH', body: settings, repeatable: true }),
    },
    schedules: {
      async *list() {
        for (let cursor: string | null | undefined; cursor !== null;) {
          const found: ScheduleList = await json('/v1/schedules', { query: { cursor } });
          yield* found.schedules;
          cursor = found.nextCursor;
        }
      },
      get: (id) => json(schedule(id)),
      check: (document) => json('/v1/schedules/check', { method: 'POST', body: document, repeatable: true }),
      put: (id, document) => json(schedule(id), { method: 'PUT', body: document }),
      async remove(id) {
        await call(schedule(id), { method: 'DELETE' });
      },
      pause: (id, note) => json(schedule(id, '/pause'), { method: 'POST', body: { note }, repeatable: true }),
      resume: (id, note) => json(schedule(id, '/resume'), { method: 'POST', body: { note }, repeatable: true }),
      // A second one would be a second run.
      trigger: (id) => json(schedule(id, '/trigger'), { method: 'POST' }),
      backfill: (id, body) => json(schedule(id, '/backfill'), { method: 'POST', body }),
      upcoming: (id, count = 10) => json(schedule(id, '/upcoming'), { query: { count } }),
      runs: (id, limit = 50) => json(schedule(id, '/runs'), { query: { limit } }),
    },
    plan: (spec) => json('/v1/plan', { method: 'POST', body: spec, repeatable: true }),
    processors: async () => (await json<{ processors: ProcessorInfo[] }>('/v1/processors')).processors,
    process: (processor, items, params = {}) =>
      json(`/v1/processors/${encodeURIComponent(processor)}/jobs`, {
        method: 'POST',
        body: { items, params },
        ...keyed(),
      }),
    caller: () => json('/v1/caller'),
  };
}

async function* linesOf<T>(response: Response): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T;
}
