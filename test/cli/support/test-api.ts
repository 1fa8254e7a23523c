import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { createApp } from '../../../src/api/app.js';
import type { ApiDeps } from '../../../src/api/deps.js';
import { MillraceError } from '../../../src/core/errors.js';
import type { JobView, PlanView } from '../../../src/core/job.js';
import { NO_COUNTS } from '../../../src/core/records.js';
import { createFileStore } from '../../../src/stores/file-store.js';
import { createWorkArea } from '../../../src/stores/work-area.js';
import type { Jobs } from '../../../src/temporal/jobs.js';
import type { Schedules } from '../../../src/temporal/schedules.js';

export interface TestApi {
  url: string;
  folder: string;
  /** The jobs it knows, by id; a list is answered one view a request, the last one again and again. */
  jobs: Map<string, JobView[]>;
  /** The specs that were submitted, as they were given. */
  given: unknown[];
  plan: PlanView | MillraceError;
  stop(): Promise<void>;
}

export function jobView(more: Partial<JobView> = {}): JobView {
  const id = more.id ?? 'j-1';
  const self = `/v1/jobs/${id}`;
  return {
    id,
    name: 'delays',
    processor: 'sql',
    state: 'running',
    source: 'flights.csv',
    createdAt: '2026-01-02T03:04:05.000Z',
    finishedAt: null,
    startsAt: null,
    schedule: null,
    generation: 0,
    progress: null,
    paused: null,
    settings: null,
    stale: false,
    result: null,
    error: null,
    warnings: [],
    links: {
      self,
      result: `${self}/result`,
      output: `${self}/output`,
      manifest: `${self}/manifest`,
      rejects: `${self}/rejects`,
      temporal: null,
    },
    ...more,
  };
}

export function completed(more: Partial<NonNullable<JobView['result']>> = {}, id = 'j-1'): JobView {
  const state = more.state ?? 'completed';
  return jobView({
    id,
    state,
    finishedAt: '2026-01-02T03:04:07.000Z',
    result: {
      state,
      counts: { in: 3, used: 3, filtered: 0, rejected: 0, out: 2 },
      bytes: 30,
      chunks: 1,
      finishedAt: '2026-01-02T03:04:07.000Z',
      manifest: `${id}/manifest.json`,
      output: {
        uri: `${id}/output.ndjson`,
        inWorkArea: true,
        format: 'ndjson',
        single: true,
        records: 2,
        bytes: 60,
        columns: [
          { name: 'origin', type: 'string' },
          { name: 'flights', type: 'int' },
        ],
      },
      rejects: null,
      failedChunks: 0,
      rows: [
        { origin: 'ATL', flights: 1200 },
        { origin: 'LAS', flights: 7 },
      ],
      ...more,
    },
  });
}

export function running(share: number): JobView {
  return jobView({
    progress: {
      chunks: { total: 10, done: Math.floor(share * 10), running: 2, failed: 0 },
      records: { ...NO_COUNTS, in: Math.floor(share * 3_000_000), used: Math.floor(share * 3_000_000) },
      bytes: { total: 1000, done: Math.floor(share * 1000) },
      expectedRecords: 3_000_000,
      rate: 1_240_000,
      eta: 2,
    },
  });
}

/** The real API on a free port over jobs that a test writes down. Its folder has `in.csv`, the only root. */
export async function testApi(access: Pick<ApiDeps, 'gatekeeper'> = {}): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  await writeFile(join(folder, 'in.csv'), 'origin,delay\nATL,1\nLAS,2\n');
  const work = await createWorkArea(join(folder, 'work'));
  const files = createFileStore({ roots: [folder], cwd: folder });
  const api: TestApi = {
    url: '',
    folder,
    jobs: new Map(),
    given: [],
    plan: new MillraceError('job.no_worker', 'no worker polls task queue "millrace"'),
    stop: async () => undefined,
  };
  const viewOf = (id: string): JobView => {
    const views = api.jobs.get(id);
    if (!views) throw new MillraceError('job.not_found', `there is no job "${id}"`);
    return views.length > 1 ? views.shift()! : views[0]!;
  };
  const jobs: Jobs = {
    async start({ given }) {
      api.given.push(given);
      const view = jobView();
      if (!api.jobs.has(view.id)) api.jobs.set(view.id, [view]);
      return { id: view.id, existing: false, view };
    },
    existing: async () => null,
    view: async (id) => viewOf(id),
    wait: async (id) => viewOf(id),
    list: async ({ limit }) => ({ jobs: [...api.jobs.keys()].slice(0, limit).map(viewOf), nextCursor: null }),
    cancel: async (id) => viewOf(id),
    async retry(id, { correct }) {
      const job = viewOf(id);
      if (correct) await correct(job.result ?? undefined);
      return job;
    },
    async pause(id, reason) {
      api.given.push({ pause: reason });
      return viewOf(id);
    },
    async resume(id) {
      api.given.push('resume');
      return viewOf(id);
    },
    async set(id, settings) {
      api.given.push(settings);
      return viewOf(id);
    },
    async plan() {
      if (api.plan instanceof MillraceError) throw api.plan;
      return api.plan;
    },
    owns: async (id) => (api.jobs.has(id) ? true : null),
    specOf: async () => api.given.at(-1),
    atWork: async () => [],
    pollers: async () => 1,
  };
  // Those have their tests with a server.
  const schedules = new Proxy({} as Schedules, {
    get: (_, name) => () => Promise.reject(new Error(`no schedules here: ${String(name)}`)),
  });
  const app = createApp({
    ofTenant: () => ({ jobs, schedules }),
    queues: async () => [],
    ...access,
    sources: files,
    sinks: files,
    work,
    taskQueue: 'millrace',
    version: '0.0.0',
  });
  await new Promise<void>((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
      api.url = `http://127.0.0.1:${port}`;
      resolve();
    });
    api.stop = async () => {
      await new Promise((done) => server.close(done));
      await rm(folder, { recursive: true });
    };
  });
  return api;
}
