import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.js';
import type { ApiError, Client } from '../../src/client/index.js';
import { freePort } from '../../src/temporal/free-port.js';
import { apiOver, listening } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

const SPEC = { name: 'by-client', source: { items: [{ job: 'ok', n: 1 }] }, process: { use: 'odd-jobs' } };

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of from) found.push(one);
  return found;
}
const faultOf = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: ApiError) => ({ code: error.code, status: error.status }),
  );

describe('over a service', () => {
  let engine: Engine;
  let client: Client;
  let close: () => void;
  beforeAll(async () => {
    engine = await startEngine('client');
    const served = await listening(await apiOver(engine));
    close = served.close;
    client = createClient({ url: `${served.url}/` });
  });
  afterAll(async () => {
    close();
    await engine.stop();
  });

  it('starts a job, waits for its end, and has its rows', async () => {
    const { id } = await client.jobs.start(SPEC);
    const job = await client.jobs.end(id);
    expect(job.state).toBe('completed');
    expect((await client.jobs.result(id)).rows).toEqual([{ n: 1, greeting: 'hello' }]);
    expect(await client.jobs.spec(id)).toEqual(SPEC);
    expect((await client.jobs.manifest(id)).counts.out).toBe(1);
  });

  it('starts one job with one key', async () => {
    const key = `k-${Date.now()}`;
    const [one, two] = await Promise.all([client.jobs.start(SPEC, { key }), client.jobs.start(SPEC, { key })]);
    expect(one.id).toBe(two.id);
    expect((await client.jobs.start(SPEC)).id).not.toBe(one.id);
  });

  it('watches a job to its end', async () => {
    const items = Array.from({ length: 20 }, (_, n) => ({ n }));
    const process = { use: 'slow', with: { ms: 30 } };
    const { id } = await client.jobs.start({ source: { items }, process, options: { chunk: { rows: 1 } } });
    const views = await all(client.jobs.watch(id));
    expect(views.length).toBeGreaterThan(1);
    expect(views.at(-1)!.state).toBe('completed');
    expect(await all(client.jobs.watch(id))).toHaveLength(1);
  });

  it('lists over pages, has rejects a line at a time, and the bytes of a result', async () => {
    const items = [{ job: 'ok', n: 1 }, ...Array.from({ length: 5 }, (_, n) => ({ job: 'refuse', n }))];
    const sink = { uri: engine.at('out.ndjson') };
    const { id } = await client.jobs.start({
      ...SPEC,
      name: 'rejecting',
      source: { items },
      sink,
      options: { rejects: { action: 'quarantine' } },
    });
    expect((await client.jobs.end(id)).state).toBe('completed_with_rejects');
    for await (const { code } of client.jobs.rejects(id)) {
      expect(code).toBe('odd.refused');
      break;
    }
    expect(await all(client.jobs.rejects(id))).toHaveLength(5);
    expect(await new Response(await client.jobs.output(id)).json()).toEqual({ n: 1, greeting: 'hello' });
    await expect
      .poll(async () => (await all(client.jobs.list({ name: 'rejecting' }))).map((job) => job.id))
      .toEqual([id]);
  });

  it('keeps schedules, processors and plans', async () => {
    const { id } = await client.schedules.put('by-client', { when: { every: '12h' }, spec: SPEC, paused: true });
    await expect.poll(async () => (await all(client.schedules.list())).map((one) => one.id)).toContain(id);
    expect((await client.schedules.upcoming(id, 2)).times).toHaveLength(2);
    await client.schedules.remove(id);
    expect(await faultOf(client.schedules.get(id))).toEqual({ code: 'schedule.not_found', status: 404 });
    expect((await client.processors()).map(({ name }) => name)).toContain('odd-jobs');
    expect((await client.plan(SPEC)).chunks).toBe(1);
    const { id: processed } = await client.process('odd-jobs', [{ job: 'ok', n: 2 }], { greeting: 'hi' });
    await client.jobs.end(processed);
    expect((await client.jobs.result(processed)).rows).toEqual([{ n: 2, greeting: 'hi' }]);
  });

  it('tells faults by their codes, with their places', async () => {
    const wrong = client.jobs.start({ source: {}, process: { use: 1 } });
    await expect(wrong).rejects.toMatchObject({ name: 'ApiError', code: 'spec.invalid', status: 422 });
    await expect(wrong).rejects.toMatchObject({
      issues: expect.arrayContaining([expect.objectContaining({ path: '/process/use' })]) as unknown,
    });
    expect(await faultOf(client.jobs.get('j-none'))).toEqual({ code: 'job.not_found', status: 404 });
  });
});

describe('over trouble', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function over(answer: RequestListener, options = {}): Promise<Client> {
    server = createServer(answer);
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    return createClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...options });
  }
  const problem = JSON.stringify({ code: 'temporal.unreachable', detail: 'away' });

  it('asks again after as long as it is told, with the same key', async () => {
    const keys: unknown[] = [];
    const client = await over((request, response) => {
      keys.push(request.headers['idempotency-key']);
      if (keys.length < 3) response.writeHead(503, { 'retry-after': '0' }).end(problem);
      else response.writeHead(202).end('{"id":"j-1"}');
    });
    expect((await client.jobs.start({})).id).toBe('j-1');
    expect(keys).toEqual([keys[0], keys[0], keys[0]]);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('asks again where the connection is lost, only what does no harm', async () => {
    let asked = 0;
    const client = await over((request, response) => {
      asked += 1;
      if (asked === 1) request.socket.destroy();
      else response.end('{"id":"j-1"}');
    });
    expect((await client.jobs.get('j-1')).id).toBe('j-1');
    asked = 0;
    expect(await faultOf(client.schedules.trigger('s'))).toEqual({ code: 'api.unreachable', status: 0 });
    expect(asked).toBe(1);
  });

  it('gives up, and says why', async () => {
    const client = await over((_, response) => response.writeHead(503, { 'retry-after': '0' }).end(problem), {
      retries: 2,
    });
    expect(await faultOf(client.jobs.get('j-1'))).toEqual({ code: 'temporal.unreachable', status: 503 });
    const other = await over((_, response) => response.writeHead(404).end('<html>'));
    expect(await faultOf(other.jobs.get('j-1'))).toEqual({ code: 'api.bad_answer', status: 404 });
    const url = `http://127.0.0.1:${await freePort('127.0.0.1')}`;
    const nobody = createClient({ url, retries: 0 });
    await expect(nobody.jobs.get('j-1')).rejects.toThrow(`no Millrace API at "${url}" (connection refused)`);
  });

  it('sends its token, and goes on where a stream was lost', async () => {
    const seen: Array<[unknown, unknown]> = [];
    const event = (id: string, kind: string, state: string) =>
      `id: ${id}\nevent: ${kind}\ndata: {"state":"${state}"}\n\n`;
    const client = await over(
      (request, response) => {
        seen.push([request.headers.authorization, request.headers['last-event-id']]);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        if (seen.length > 1) return response.end(`: keep-alive\n\n${event('b', 'end', 'completed')}`);
        response.write(event('a', 'job', 'running'));
        setTimeout(() => response.destroy(), 50);
      },
      { token: 'mr_t' },
    );
    expect((await all(client.jobs.watch('j-1'))).map(({ state }) => state)).toEqual(['running', 'completed']);
    expect(seen).toEqual([
      ['Bearer mr_t', undefined],
      ['Bearer mr_t', 'a'],
    ]);
  });
});
