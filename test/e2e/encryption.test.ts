import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from '../../src/core/job.js';
import { encryptionCodec } from '../../src/temporal/encryption.js';
import { connectClient } from '../../src/temporal/connect.js';
import { createScheduleWatch } from '../../src/temporal/schedule-watch.js';
import { createSchedules } from '../../src/temporal/schedules.js';
import { apiOver, listening } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { testCli } from '../helpers/temporal-server.js';
import { kept as keptOf, readable } from './support/kept.js';

const CANARY = 'canary-5f1d';
const keys = [{ id: 'k2', key: Buffer.alloc(32, 2) }];

let engine: Engine;
let app: OpenAPIHono;
beforeAll(async () => {
  engine = await startEngine('encryption', { encryptionKeys: keys });
  app = await apiOver(engine);
}, 60_000);
afterAll(() => engine?.stop());

async function ask<T>(at: string, body?: unknown, method = body === undefined ? 'GET' : 'POST'): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const response = await app.request(at, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${at}: ${text}`);
  return JSON.parse(text === '' ? 'null' : text) as T;
}
const run = (spec: unknown) => ask<JobView>('/v1/jobs?wait=30s', spec);
const items = (count: number, row: object) => Array.from({ length: count }, (_, n) => ({ n, ...row }));

const kept = (id: string) => keptOf(engine.client, engine.config.temporal.namespace!, id);

describe('with keys', () => {
  it('nothing of records, parameters, paths or results is in what the server keeps', async () => {
    const job = await run({
      name: 'plain-name',
      source: { items: items(3, { job: 'ok', secret: CANARY }) },
      process: { use: 'odd-jobs', with: { greeting: CANARY } },
    });
    expect(job.result?.rows).toEqual(items(3, {}).map(({ n }) => ({ n, greeting: CANARY })));
    const text = await kept(job.id);
    expect(text).toContain('binary/encrypted');
    expect(text).not.toContain(CANARY);
    // What is searched for stays as it is.
    expect(text).toContain('plain-name');
    expect(await ask(`/v1/jobs/${job.id}/spec`)).toMatchObject({ process: { with: { greeting: CANARY } } });
  });

  it('nor of what failed', async () => {
    const job = await run({
      source: { items: items(1, { job: 'throw', n: CANARY }) },
      process: { use: 'odd-jobs' },
      options: { retry: { attempts: 1 } },
    });
    expect(job.state).toBe('failed');
    expect(job.error?.message).toContain(CANARY);
    const text = await kept(job.id);
    expect(text).toContain('encodedAttributes');
    expect(text).not.toContain(CANARY);
    // By the type of a failure the CLI and the Web UI still tell what kind it is.
    expect(text).toContain(job.error!.code);
  });

  it('jobs of many chunks are steered, listed, looked into and retried', async () => {
    const { id } = await ask<JobView>('/v1/jobs', {
      name: 'steered',
      source: { items: items(40, { job: 'ok' }) },
      process: { use: 'slow', with: { ms: 50 } },
      options: { chunk: { rows: 1 }, concurrency: 2 },
    });
    const view = () => ask<JobView>(`/v1/jobs/${id}`);
    await expect.poll(async () => (await view()).progress?.chunks.done).toBeGreaterThan(0);
    const { chunks } = await ask<{ chunks: Array<{ state: string }> }>(`/v1/jobs/${id}/chunks`);
    expect(chunks.map(({ state }) => state)).toContain('running');
    await ask(`/v1/jobs/${id}/pause`, { reason: CANARY });
    expect((await view()).paused).toBe(CANARY);
    await ask(`/v1/jobs/${id}`, { concurrency: 4 }, 'PATCH');
    await ask(`/v1/jobs/${id}/resume`, {});
    const listed = () => ask<{ jobs: JobView[] }>('/v1/jobs?name=steered');
    await expect.poll(async () => (await listed()).jobs.map((job) => job.source)).toEqual(['40 items']);
    await ask(`/v1/jobs/${id}/cancel`, {});
    await expect.poll(async () => (await view()).state).toBe('cancelled');
    await ask(`/v1/jobs/${id}/retry`, undefined, 'POST');
    await expect.poll(async () => (await view()).state).toBe('completed');
    expect(await kept(id)).not.toContain(CANARY);
  });

  it('schedules too', async () => {
    const spec = {
      source: { items: items(1, { job: 'ok' }) },
      process: { use: 'odd-jobs', with: { greeting: CANARY } },
    };
    const schedule = { spec, when: { every: '12h' }, paused: true };
    await ask('/v1/schedules/sealed', schedule, 'PUT');
    await ask('/v1/schedules/sealed', { ...schedule, note: 'changed' }, 'PUT');
    expect(await ask('/v1/schedules/sealed')).toMatchObject({ spec });
    const list = () => ask<{ schedules: Array<{ id: string }> }>('/v1/schedules');
    await expect.poll(async () => (await list()).schedules.map(({ id }) => id)).toEqual(['sealed']);
    const raw = await engine.client.workflowService.describeSchedule({
      namespace: engine.config.temporal.namespace!,
      scheduleId: 'sealed',
    });
    expect(readable(raw)).not.toContain(CANARY);
    const { job } = await ask<{ job: string }>('/v1/schedules/sealed/trigger', {});
    await expect.poll(async () => (await ask<JobView>(`/v1/jobs/${job}`)).state).toBe('completed');
    expect(await kept(job)).not.toContain(CANARY);
    await ask('/v1/schedules/sealed', undefined, 'DELETE');
  });

  it('a job and a schedule whose key is not here are shown as far as they can be read', async () => {
    const ended = await run({
      name: 'ended',
      source: { items: items(1, { job: 'ok' }) },
      process: { use: 'odd-jobs' },
    });
    const failed = await run({
      name: 'broken',
      source: { items: items(1, { job: 'throw' }) },
      process: { use: 'odd-jobs' },
      options: { retry: { attempts: 1 } },
    });
    const { address, namespace } = engine.config.temporal;
    const keyless = await connectClient({ address, namespace });
    try {
      const without = await apiOver({ ...engine, client: keyless.client });
      const at = async (path: string): Promise<unknown> => (await without.request(path)).json();
      expect(await at(`/v1/jobs/${ended.id}`)).toMatchObject({
        name: 'ended',
        state: 'completed',
        stale: true,
        result: null,
        warnings: [expect.stringContaining('encrypted with key "k2"')],
      });
      expect(await at(`/v1/jobs/${failed.id}`)).toMatchObject({ name: 'broken', state: 'failed' });
      const spec = { source: { items: items(1, { job: 'throw' }) }, process: { use: 'odd-jobs' } };
      const once = { spec, when: { every: '12h' }, paused: true, notify: ['https://example.org/'] };
      await ask('/v1/schedules/locked', once, 'PUT');
      expect(await at('/v1/schedules/locked')).toMatchObject({ status: 500, code: 'encryption.unknown_key' });
      const { job } = await ask<{ job: string }>('/v1/schedules/locked/trigger', {});
      await expect.poll(async () => (await ask<JobView>(`/v1/jobs/${job}`)).state).toBe('failed');

      const { taskQueue } = engine.config;
      const schedules = createSchedules({ client: keyless.client, taskQueue, namespace: namespace!, tenant: null });
      const watch = createScheduleWatch({ client: keyless.client, namespace: namespace!, taskQueue, schedules });
      expect(await watch.look('locked')).toBeNull();
      const seen = async () => (await watch.endedSince(new Date(0))).find((one) => one.job === job);
      await expect.poll(seen).toMatchObject({ schedule: 'locked', state: 'failed' });
    } finally {
      await keyless.connection.close();
      await ask('/v1/schedules/locked', undefined, 'DELETE');
    }
  });

  it('what was written before, without or with an older key, is read on; a missing key is named', async () => {
    const { address, namespace } = engine.config.temporal;
    const older = { id: 'k1', key: Buffer.alloc(32, 1) };
    const plain = await connectClient({ address, namespace });
    const before = await connectClient({ address, namespace }, [older]);
    const spec = { source: { items: [{ job: 'ok' }] }, process: { use: 'odd-jobs' } };
    const started = async ({ client }: typeof plain, id: string) => {
      const app = await apiOver({ ...engine, client }, 'nobody-works-here');
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...spec, name: id }),
      };
      return ((await (await app.request('/v1/jobs', init)).json()) as JobView).id;
    };
    const [open, sealed] = [await started(plain, 'open'), await started(before, 'sealed')];
    expect(await ask(`/v1/jobs/${open}/spec`)).toMatchObject({ name: 'open' });
    const refused = await app.request(`/v1/jobs/${sealed}/spec`);
    expect(await refused.json()).toMatchObject({ status: 500, code: 'encryption.unknown_key' });
    const view = (await (await app.request(`/v1/jobs/${sealed}`)).json()) as JobView;
    expect(view).toMatchObject({ id: sealed, name: 'sealed', state: 'pending' });
    // It keeps no other from being listed, and is told as far as it can be read.
    const listed = () => ask<{ jobs: JobView[] }>('/v1/jobs?name=sealed');
    await expect
      .poll(async () => (await listed()).jobs.map(({ id, name }) => [id, name]))
      .toEqual([[sealed, 'sealed']]);
    const rotated = await connectClient({ address, namespace }, [...keys, older]);
    const both = await apiOver({ ...engine, client: rotated.client });
    for (const [id, name] of [
      [open, 'open'],
      [sealed, 'sealed'],
    ]) {
      expect(await (await both.request(`/v1/jobs/${id}/spec`)).json()).toMatchObject({ name });
      await rotated.client.workflow.getHandle(id!).terminate();
    }
    await Promise.all([plain, before, rotated].map(({ connection }) => connection.close()));
  });
});

describe.skipIf(testCli() === undefined)('the codec server', () => {
  const UI = 'http://ui.example:8233';

  it('shows the temporal command line what is encrypted, and takes from it what is not', async () => {
    const { url, close } = await listening(
      await apiOver(engine, undefined, { codec: encryptionCodec(keys), uiOrigin: UI }),
    );
    try {
      const { address, namespace } = engine.config.temporal;
      const { id } = await run({
        source: { items: [{ job: 'ok' }] },
        process: { use: 'odd-jobs', with: { greeting: CANARY } },
      });
      const show = async (...more: string[]) => {
        const args = ['workflow', 'show', '-w', id, '--address', address!, '--namespace', namespace!, '-o', 'json'];
        const { stdout } = await promisify(execFile)(testCli()!, [...args, ...more], { maxBuffer: 2 ** 26 });
        return stdout.replace(/"data": "([^"]*)"/g, (_, data: string) => Buffer.from(data, 'base64').toString());
      };
      expect(await show()).not.toContain(CANARY);
      expect(await show('--codec-endpoint', `${url}/codec`)).toContain(CANARY);
      const spec = { source: { items: [{ job: 'ok' }] }, process: { use: 'odd-jobs', with: { greeting: 'typed' } } };
      const start = ['workflow', 'start', '--type', 'processDataset', '--task-queue', engine.config.taskQueue];
      const at = ['--address', address!, '--namespace', namespace!, '--codec-endpoint', `${url}/codec`];
      await promisify(execFile)(testCli()!, [...start, '-w', 'typed-1', '--input', JSON.stringify(spec), ...at]);
      await expect.poll(async () => (await ask<JobView>('/v1/jobs/typed-1')).state).toBe('completed');
      expect(await kept('typed-1')).not.toContain('typed"');
    } finally {
      close();
    }
  });

  it('answers the pages of the Web UI, and those of nobody else', async () => {
    const coded = await apiOver(engine, undefined, { codec: encryptionCodec(keys), uiOrigin: UI });
    const decode = (origin: string, at = '/codec/decode') =>
      coded.request(at, {
        method: 'POST',
        body: JSON.stringify({ payloads: [{ metadata: { encoding: 'anNvbi9wbGFpbg==' }, data: 'MQ==' }] }),
        headers: { 'content-type': 'application/json', origin },
      });
    const allowed = await decode(UI);
    expect(await allowed.json()).toEqual({ payloads: [{ metadata: { encoding: 'anNvbi9wbGFpbg==' }, data: 'MQ==' }] });
    expect(allowed.headers.get('access-control-allow-origin')).toBe(UI);
    expect((await decode('https://evil.example')).status).toBe(403);
    expect((await decode(UI, '/v1/jobs')).status).toBe(403);
    const bad = await coded.request('/codec/decode', {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(bad.status).toBe(422);
  });
});
