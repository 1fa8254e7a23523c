import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { JobView } from '../../src/core/job.js';
import { packageRoot } from '../../src/cli/package-root.js';
import { freePort } from '../../src/temporal/free-port.js';
import { apiOver } from '../helpers/api-over.js';
import { makePlace } from '../helpers/engine.js';
import type { Place } from '../helpers/engine.js';
import { startWorkerProcess } from '../helpers/worker-process.js';
import type { WorkerProcess } from '../helpers/worker-process.js';

const CANARY = 'canary-77ab';
let place: Place;
let app: OpenAPIHono;
let worker: WorkerProcess;
let port: number;

beforeAll(async () => {
  port = await freePort('127.0.0.1');
  place = await makePlace('metrics', { metricsPort: port });
  worker = await startWorkerProcess(place.config);
  app = await apiOver(place);
  await run({ job: 'ok' }, { job: 'filter' }, { job: 'refuse' });
  expect((await run({ job: 'throw', secret: CANARY })).state).toBe('failed');
});
afterAll(async () => {
  await worker?.stop();
  await place?.remove();
});

async function run(...items: object[]): Promise<JobView> {
  const spec = {
    name: CANARY,
    source: { items },
    process: { use: 'odd-jobs', with: { greeting: CANARY } },
    options: { rejects: { action: 'skip' }, retry: { attempts: 1 } },
  };
  const response = await app.request('/v1/jobs?wait=30s', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(spec),
  });
  return (await response.json()) as JobView;
}

const ofWorker = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
const ofApi = async () => (await app.request('/metrics')).text();

/** The value of a series; undefined where there is none. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
}

describe('the metrics of a worker', () => {
  it('have what its jobs did, and what the SDK counts', async () => {
    const text = await ofWorker();
    const records = (kind: string) => valueOf(text, `millrace_records_total{kind="${kind}"}`);
    expect(['in', 'used', 'filtered', 'rejected', 'out'].map(records)).toEqual([3, 1, 1, 1, 1]);
    expect(valueOf(text, 'millrace_jobs_ended_total{state="completed_with_rejects"}')).toBe(1);
    expect(valueOf(text, 'millrace_jobs_ended_total{state="failed"}')).toBe(1);
    const attempts = 'millrace_activity_duration_seconds_count{activity="processChunks",outcome=';
    expect(valueOf(text, `${attempts}"completed"}`)).toBe(1);
    expect(valueOf(text, `${attempts}"failed"}`)).toBe(1);
    expect(valueOf(text, 'millrace_worker_threads')).toBe(2);
    expect(text).toMatch(/^temporal_workflow_completed\S* \d/m);
  });

  it('are told at one path only', async () => {
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  });
});

describe('the metrics of the API', () => {
  it('have requests by route and never by path, and how the queues stand', async () => {
    const { id } = await run({ job: 'ok' });
    await app.request(`/v1/jobs/${id}`);
    await app.request('/v1/jobs/j-none');
    await app.request(`/no/such/${id}`);
    const text = await ofApi();
    const count = 'millrace_http_request_duration_seconds_count';
    expect(valueOf(text, `${count}{method="GET",route="/v1/jobs/:id",status="200"}`)).toBeGreaterThanOrEqual(1);
    expect(valueOf(text, `${count}{method="GET",route="/v1/jobs/:id",status="404"}`)).toBe(1);
    expect(valueOf(text, `${count}{method="GET",route="none",status="404"}`)).toBe(1);
    expect(text).not.toContain(id);
    expect(valueOf(text, 'millrace_temporal_up')).toBe(1);
    const { taskQueue } = place.config;
    expect(valueOf(text, `millrace_queue_pollers{queue="${taskQueue}",type="workflow"}`)).toBeGreaterThanOrEqual(1);
    expect(valueOf(text, `millrace_queue_backlog{queue="${taskQueue}-chunks",type="activity"}`)).toBe(0);
  });

  it('count the streams that are open', async () => {
    const { id } = await run({ job: 'ok' });
    await (await app.request(`/v1/jobs/${id}/events`)).text();
    await expect.poll(async () => valueOf(await ofApi(), 'millrace_event_streams')).toBe(0);
  });
});

it('no metric has what is in specs, records or errors', async () => {
  expect((await ofApi()) + (await ofWorker())).not.toContain(CANARY);
});

describe('the dashboard and the alerts for operators', () => {
  const names = (text: string) => [...new Set(text.match(/\b(millrace|temporal|nodejs|process)_[a-z0-9_]+/g))];

  it.each(['ops/grafana/millrace.json', 'ops/prometheus/alerts.yaml'])(
    '%s names metrics that there are',
    async (file) => {
      const text = await readFile(path.join(packageRoot(), file), 'utf8');
      const told = new Set(names((await ofApi()) + (await ofWorker())));
      const asked = names(text);
      expect(asked.length).toBeGreaterThan(5);
      expect(asked.filter((name) => !told.has(name))).toEqual([]);
      const parsed = (file.endsWith('.json') ? JSON.parse(text) : parseYaml(text)) as {
        panels?: Array<{ id: number }>;
        groups?: Array<{ rules: object[] }>;
      };
      const parts = parsed.panels ?? parsed.groups!.flatMap(({ rules }) => rules);
      expect(parts.length).toBeGreaterThan(5);
    },
  );
});
