import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { settle } from '../../activities/settle.js';
import type { Ended, JobView } from '../../src/core/job.js';
import { keys } from '../../src/core/receipt.js';
import { endedBefore } from '../../src/temporal/is-open.js';
import { openWorkArea } from '../../src/stores/open-work-area.js';
import { createStores } from '../../src/stores/stores.js';
import { startWorker } from '../../src/worker.js';
import { eventually } from '../helpers/eventually.js';
import { apiOver } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import { testWorkflowBundle } from '../helpers/temporal-server.js';
import type { Engine } from '../helpers/engine.js';

let engine: Engine;
let app: OpenAPIHono;
let idle: OpenAPIHono;
beforeAll(async () => {
  engine = await startEngine('steering');
  app = await apiOver(engine);
  idle = await apiOver(engine, `${engine.config.taskQueue}-idle`);
});
afterAll(() => engine.stop());

async function call(method: string, path: string, body?: unknown, to = app) {
  const headers = { 'content-type': 'application/json' };
  const answer = await to.request(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as JobView & { code: string; detail: string } };
}

const post = async (to = app) =>
  (
    await call(
      'POST',
      '/v1/jobs',
      {
        source: { items: Array.from({ length: 40 }, (_, n) => ({ n })) },
        process: { use: 'slow', with: { ms: 50 } },
        options: { chunk: { rows: 1 }, concurrency: 2 },
      },
      to,
    )
  ).body.id;

describe('a job that was terminated', () => {
  it('is settled some minutes later: what it staged goes, its folder is kept as long as it asked, and a retry finds it', async () => {
    const work = await openWorkArea(engine.config);
    const files = createStores(engine.config, engine.data, work);
    const settled = async (job: string, minutes: number) => {
      const ends = (one: string, moment: Date) => endedBefore(engine.client, one, moment);
      await settle({ work, files, endedBefore: ends }, job, Date.now() + minutes * 60_000);
      const mark = await work.tryRead(keys.ended(job));
      return mark && (JSON.parse(mark.toString()) as Ended);
    };
    const sink = { uri: engine.at('terminated.ndjson') };
    const source = { items: Array.from({ length: 40 }, (_, n) => ({ n })) };
    const options = { chunk: { rows: 1 }, concurrency: 2, retention: { work: '1d' } };
    const spec = { source, process: { use: 'slow', with: { ms: 100 } }, sink, options };
    const { status, body } = await call('POST', '/v1/jobs', spec);
    expect(status, body.detail).toBe(202);
    const { id } = body;
    const path = `/v1/jobs/${id}`;
    await expect.poll(async () => (await call('GET', path)).body.progress?.chunks.done).toBeGreaterThan(2);
    expect(await settled(id, 60)).toBeNull();
    await engine.client.workflow.getHandle(id).terminate();
    expect(await settled(id, 9)).toBeNull();
    const begun = Date.now();
    const mark = await settled(id, 11);
    expect(mark?.state).toBe('failed');
    expect(Date.parse(mark!.keepUntil.work)).toBeGreaterThanOrEqual(begun + 86_400_000);
    expect(await settled('j-never-was', 60)).toBeNull();

    const retried = await call('POST', `${path}/retry`);
    expect(retried.status, retried.body.detail).toBe(202);
    await expect.poll(async () => (await call('GET', path)).body.state).toBe('completed');
    expect((await call('GET', path)).body.result?.counts.out).toBe(40);
  });
});

describe('an open job', () => {
  it('is paused, changed, resumed and completes, each step shown', async () => {
    const path = `/v1/jobs/${await post()}`;
    const paused = await call('POST', `${path}/pause`, { reason: 'maintenance' });
    expect(paused).toMatchObject({ status: 200, body: { state: 'paused', paused: 'maintenance' } });
    // What the job itself says is stale where a busy machine takes longer than a second for it.
    const shown = await eventually(async () => {
      const { body } = await call('GET', path);
      return !body.stale && body;
    });
    expect(shown).toMatchObject({ state: 'paused', paused: 'maintenance' });

    const changes = { concurrency: 4, rate: { chunks: '100/s' }, rejects: { tolerate: '1%' }, priority: 2 };
    const changed = await call('PATCH', path, changes);
    expect(changed).toMatchObject({
      status: 200,
      body: {
        state: 'paused',
        settings: { concurrency: 4, rate: { chunks: 100 }, rejects: { share: 0.01 }, priority: 2 },
      },
    });

    expect((await call('POST', `${path}/resume`)).body).toMatchObject({ state: 'running', paused: null });
    const done = await call('GET', `${path}?wait=30s`);
    expect(done.body).toMatchObject({ state: 'completed', paused: null, settings: null });
    expect(done.body.result!.counts.out).toBe(40);

    for (const [method, at, body] of [
      ['POST', `${path}/pause`],
      ['POST', `${path}/resume`],
      ['PATCH', path, { concurrency: 1 }],
    ] as const) {
      const late = await call(method, at, body);
      expect([late.status, late.body.code, late.body.detail]).toEqual([
        409,
        'job.closed',
        expect.stringContaining('is completed; only an open job can be steered'),
      ]);
    }
  });

  it('refuses changes that make no sense, with each fault in its place', async () => {
    const path = `/v1/jobs/${await post()}`;
    const { status, body } = await call('PATCH', path, { concurrency: 0, rate: { records: 'many' } });
    expect([status, body.code]).toEqual([422, 'job.bad_settings']);
    expect(body).toMatchObject({ errors: [{ path: '/concurrency' }, { path: '/rate' }] });
    expect((await call('POST', `${path}/pause`, { reason: 5 })).status).toBe(422);
    await call('POST', `${path}/cancel`);
  });

  it('that nobody works on: 503, and when to come again', async () => {
    const id = await post(idle);
    const { status, body } = await call('POST', `/v1/jobs/${id}/pause`, undefined, idle);
    expect([status, body.code]).toEqual([503, 'job.no_worker']);
    await engine.client.workflow.getHandle(id).terminate();
  });

  it('that is none: 404', async () => {
    expect((await call('POST', '/v1/jobs/j-none/resume')).body.code).toBe('job.not_found');
  });
});

describe('a job that is to begin later', () => {
  const items = { source: { items: [{ n: 1 }] }, process: { use: 'pass' } };

  it('waits until then, says so, and can be cancelled meanwhile', async () => {
    const asked = Date.now();
    const { body } = await call('POST', '/v1/jobs', { ...items, options: { start: { delay: '1500ms' } } });
    expect(body.state).toBe('pending');
    const startsAt = Date.parse(body.startsAt!);
    expect(startsAt - asked).toBeGreaterThan(1400);
    const done = (await call('GET', `/v1/jobs/${body.id}?wait=20s`)).body;
    expect(done).toMatchObject({ state: 'completed', startsAt: body.startsAt });
    expect(Date.parse(done.finishedAt!)).toBeGreaterThanOrEqual(startsAt - 100);

    const later = (
      await call('POST', '/v1/jobs', { ...items, options: { start: { at: '2099-01-01T00:00:00+01:00' } } })
    ).body;
    expect((await call('GET', `/v1/jobs/${later.id}`)).body).toMatchObject({
      state: 'pending',
      startsAt: '2098-12-31T23:00:00.000Z',
    });
    await call('POST', `/v1/jobs/${later.id}/cancel`);
    expect((await call('GET', `/v1/jobs/${later.id}?wait=20s`)).body.state).toBe('cancelled');
  });

  it('does nothing once it has expired', async () => {
    const uri = engine.at('expired.csv');
    const late = { ...items, sink: { uri }, options: { expires: '1s' } };
    const { id } = (await call('POST', '/v1/jobs', late, idle)).body;
    await sleep(1100);
    const worker = await startWorker(
      { ...engine.config, taskQueue: `${engine.config.taskQueue}-idle` },
      { workflowBundle: testWorkflowBundle() },
    );
    const done = (await call('GET', `/v1/jobs/${id}?wait=20s`, undefined, idle)).body;
    await worker.stop();
    expect(done).toMatchObject({ state: 'failed', error: { code: 'job.too_late' } });
    await expect(engine.read('expired.csv')).rejects.toThrow(/ENOENT/);
    expect((await call('POST', '/v1/jobs?wait=20s', { ...late, options: { expires: '1h' } })).body.state).toBe(
      'completed',
    );
  });
});
