import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { JobView } from '../../src/core/job.js';
import type { ChunkList } from '../../src/schema/views.js';
import { apiOver } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { eventually } from '../helpers/eventually.js';

let engine: Engine;
let app: OpenAPIHono;
beforeAll(async () => {
  engine = await startEngine('chunks');
  app = await apiOver(engine);
});
afterAll(() => engine.stop());

async function get<T>(path: string): Promise<T> {
  const answer = await app.request(path);
  expect(answer.status).toBe(200);
  return (await answer.json()) as T;
}

async function submit(spec: unknown, wait = ''): Promise<JobView> {
  const headers = { 'content-type': 'application/json' };
  const answer = await app.request(`/v1/jobs${wait}`, { method: 'POST', headers, body: JSON.stringify(spec) });
  return (await answer.json()) as JobView;
}

const items = (count: number) => ({ items: Array.from({ length: count }, (_, n) => ({ n })) });
const chunks = (id: string, query = '') => get<ChunkList>(`/v1/jobs/${id}/chunks${query}`);

describe('GET /v1/jobs/{id}/chunks', () => {
  it('tells what is done, at work and waiting, and each by its state', async () => {
    const { id } = await submit({
      source: items(200),
      process: { use: 'slow', with: { ms: 200 } },
      options: { chunk: { rows: 1 }, concurrency: 2 },
    });
    const list = await eventually(async () => {
      const all = await chunks(id);
      const states = new Set(all.chunks.map(({ state }) => state));
      return states.size === 3 && all;
    });
    expect(list.total).toBe(200);
    expect(list.chunks.at(-1)).toMatchObject({ to: 200, state: 'pending', counts: null });
    const done = list.chunks.find(({ state }) => state === 'done')!;
    expect(done).toMatchObject({ attempt: 1, error: null });
    expect(done.counts!.in).toBe(done.to - done.from);
    expect(Date.parse(done.endedAt!)).toBeLessThanOrEqual(Date.now());
    const { chunks: running } = await eventually(async () => {
      const some = await chunks(id, '?state=running');
      return some.chunks.length > 0 && some;
    });
    expect(running.every(({ state, attempt }) => state === 'running' && attempt === 1)).toBe(true);

    const first = await chunks(id, '?limit=1');
    expect(first.chunks).toHaveLength(1);
    const second = await chunks(id, `?limit=1&cursor=${first.nextCursor}`);
    expect(second.chunks[0]!.from).toBe(first.chunks[0]!.to);
    await app.request(`/v1/jobs/${id}/cancel`, { method: 'POST' });
  });

  it('tells which were given up, and of what', async () => {
    const { id } = await submit(
      {
        source: { items: [{ n: 1 }, { n: 'x' }] },
        process: { use: 'sql', with: { map: 'select cast(n as integer) n from chunk' } },
        options: { chunk: { rows: 1 }, failedChunks: { tolerate: 1 }, retry: { attempts: 1 } },
      },
      '?wait=30s',
    );
    const failed = await chunks(id, '?state=failed');
    expect(failed.chunks).toMatchObject([
      { from: 1, to: 2, counts: null, error: { code: expect.stringMatching(/^sql\./) } },
    ]);
    expect((await chunks(id)).chunks.map(({ state }) => state)).toEqual(['done', 'failed']);
  });

  it('is one row of a job so small that it wrote no receipts', async () => {
    const { id } = await submit({ source: items(3), process: { use: 'pass' } }, '?wait=30s');
    expect(await chunks(id)).toMatchObject({
      total: 1,
      chunks: [{ from: 0, to: 1, state: 'done', counts: { in: 3 } }],
    });
  });

  it.each([
    ['/v1/jobs/j-nobody/chunks', 404],
    ['/v1/jobs/j-nobody/spec', 404],
    ['/v1/jobs/j-nobody/chunks?state=odd', 422],
    ['/v1/jobs/j-nobody/chunks?cursor=x', 422],
  ])('%s: %i', async (path, status) => {
    expect((await app.request(path)).status).toBe(status);
  });
});

describe('GET /v1/jobs/{id}/spec', () => {
  it('is the spec as it was given', async () => {
    const spec = { name: 'given', source: items(2), process: { use: 'pass' }, options: { timeout: { chunk: '3m' } } };
    const { id } = await submit(spec, '?wait=30s');
    expect(await get(`/v1/jobs/${id}/spec`)).toEqual(spec);
  });
});
