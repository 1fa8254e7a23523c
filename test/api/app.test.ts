import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { createApp } from '../../src/api/app.js';
import { PROBLEMS } from '../../src/api/problems.js';
import { ROUTES } from '../../src/api/routes.js';
import { maskOf } from '../../src/core/secrets.js';
import { problemSchema } from '../../src/schema/views.js';
import { createFileStore } from '../../src/stores/file-store.js';
import { createWorkArea } from '../../src/stores/work-area.js';
import { createJobs } from '../../src/temporal/jobs.js';
import { queueStandings } from '../../src/temporal/queues.js';
import { RETRIES } from '../../src/temporal/retries.js';
import { createSchedules } from '../../src/temporal/schedules.js';

/** The API where no Temporal server is: what it answers by itself, and how it says so where it cannot. */
let app: OpenAPIHono;
let connection: Connection;
let folder: string;
const logged: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-app-'));
  const work = await createWorkArea(path.join(folder, 'work'));
  const files = createFileStore({ roots: [folder], cwd: folder });
  connection = Connection.lazy({ address: '127.0.0.1:1', interceptors: RETRIES });
  const jobs = createJobs({ client: new Client({ connection }), taskQueue: 'none', namespace: 'default', work });
  const schedules = createSchedules({ client: new Client({ connection }), taskQueue: 'none', namespace: 'default' });
  app = createApp({
    ofTenant: () => ({ jobs, schedules }),
    queues: () => queueStandings(new Client({ connection }), 'default', 'none'),
    sources: files,
    sinks: files,
    work,
    taskQueue: 'none',
    version: '1.2.3',
    hosts: ['mill.example'],
    mask: maskOf(['hunter2-secret', 'source']),
    log: (line) => logged.push(line),
  });
});
afterAll(async () => {
  await connection.close();
  await rm(folder, { recursive: true });
});

const json = { 'content-type': 'application/json' };

async function problem(at: string, init: RequestInit = {}) {
  const response = await app.request(at, init);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = problemSchema.strict().parse(await response.json());
  expect(body.status).toBe(response.status);
  expect(body.requestId).toBe(response.headers.get('x-request-id'));
  expect(body.instance).toBe(at.split('?')[0]);
  return { ...body, headers: response.headers };
}

describe('every error is a problem document', () => {
  it.each<[string, string, RequestInit, number, string]>([
    ['an unknown path', '/v2/jobs', {}, 404, 'request.not_found'],
    ['a wrong method', '/v1/plan', {}, 405, 'request.method'],
    [
      'another media type',
      '/v1/jobs',
      { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } },
      415,
      'request.media_type',
    ],
    ['no media type', '/v1/jobs', { method: 'POST', body: new Uint8Array([123, 125]) }, 415, 'request.media_type'],
    ['a form', '/v1/plan', { method: 'POST', body: new URLSearchParams({ a: 'b' }) }, 415, 'request.media_type'],
    ['broken JSON', '/v1/jobs', { method: 'POST', body: '{', headers: json }, 400, 'request.malformed'],
    ['no body', '/v1/jobs', { method: 'POST', headers: json }, 400, 'request.malformed'],
    [
      'broken YAML',
      '/v1/jobs',
      { method: 'POST', body: 'a: [b', headers: { 'content-type': 'application/yaml' } },
      400,
      'request.malformed',
    ],
    [
      'a body of 11 MiB',
      '/v1/jobs',
      { method: 'POST', body: JSON.stringify({ a: 'x'.repeat(11 * 1024 * 1024) }), headers: json },
      413,
      'request.too_large',
    ],
    ['a wrong spec', '/v1/jobs', { method: 'POST', body: '[]', headers: json }, 422, 'spec.invalid'],
    ['a wrong query', '/v1/jobs?limit=1000', {}, 422, 'request.invalid'],
  ])('%s', async (_what, at, init, status, code) => {
    const answer = await problem(at, init);
    expect([answer.status, answer.code, answer.type]).toEqual([status, code, `/problems/${code}`]);
  });

  it('shows no secret, and keeps what programs go by', async () => {
    const body = JSON.stringify({ source: { uri: 'hunter2-secret.csv' }, process: { use: 'sql', with: {} } });
    const { code, detail, errors } = await problem('/v1/jobs', { method: 'POST', body, headers: json });
    expect([code, errors[0]?.path]).toEqual(['source.not_found', '/source/uri']);
    expect(detail).toMatch(/^\*\*\* ".*\*\*\*\.csv"/);
    expect(errors[0]?.message).toBe(detail);
  });

  it('405 says what is allowed', async () => {
    expect((await problem('/v1/jobs', { method: 'DELETE' })).headers.get('allow')).toBe('GET, HEAD, POST');
    expect((await problem('/v1/jobs/j-1/cancel')).headers.get('allow')).toBe('POST');
  });

  it('a bomb of YAML aliases is no body', async () => {
    const lines = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (let n = 98; n < 106; n++) {
      const [name, last] = [String.fromCharCode(n), String.fromCharCode(n - 1)];
      lines.push(`${name}: &${name} [${Array(9).fill(`*${last}`).join(',')}]`);
    }
    const headers = { 'content-type': 'application/yaml' };
    expect((await problem('/v1/jobs', { method: 'POST', body: lines.join('\n'), headers })).code).toBe(
      'request.malformed',
    );
  });

  it('503 where the Temporal server is away, within seconds, and when to come again', async () => {
    const began = Date.now();
    const answer = await problem('/v1/jobs/j-1');
    expect([answer.status, answer.code]).toEqual([503, 'temporal.unreachable']);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect((await problem('/readyz')).code).toBe('temporal.unreachable');
    // Two calls, of four seconds and of two.
    expect(Date.now() - began).toBeLessThan(9000);
  });

  it('503 for a schedule too, as soon', async () => {
    const began = Date.now();
    expect((await problem('/v1/schedules/nightly')).code).toBe('temporal.unreachable');
    // A call of four seconds, and a look whether it is the server that is away.
    expect(Date.now() - began).toBeLessThan(6500);
  });

  it('nothing of this was unforeseen', () => {
    expect(logged).toEqual([]);
  });

  it('what is unforeseen is logged and keeps its inside to itself', async () => {
    const broken = createApp({
      ofTenant: () => ({ schedules: null as never, jobs: {} as never }),
      queues: null as never,
      sources: {} as never,
      sinks: {} as never,
      work: {} as never,
      taskQueue: 'q',
      version: '1',
      log: (line) => logged.push(line),
    });
    const response = await broken.request('/v1/jobs/x');
    const text = await response.text();
    expect([response.status, (JSON.parse(text) as { code: string }).code]).toEqual([500, 'internal']);
    expect(text).not.toMatch(/TypeError|\.ts:/);
    expect(logged.pop()).toMatch(/^request .* GET \/v1\/jobs\/x failed: TypeError/);
  });
});

describe('only this service is spoken to, and only by its own pages', () => {
  it.each(['localhost', 'localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'mill.example'])('host %s', async (host) => {
    expect((await app.request('/healthz', { headers: { host } })).status).toBe(200);
  });

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8080'])('not host %s', async (host) => {
    expect((await problem('/healthz', { headers: { host } })).code).toBe('request.forbidden_host');
  });

  it.each<[Record<string, string>, number]>([
    [{ origin: 'http://localhost:8080' }, 422],
    [{}, 422],
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'http://localhost:9999' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
  ])('a POST with %j: %i', async (headers, status) => {
    const init = { method: 'POST', body: '[]', headers: { ...json, host: 'localhost:8080', ...headers } };
    expect((await problem('/v1/jobs', init)).status).toBe(status);
  });

  it('with headers that keep a browser careful', async () => {
    const { headers } = await app.request('/');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-request-id')).toMatch(/.+/);
  });
});

describe('the index', () => {
  it('is JSON, and a page for browsers', async () => {
    expect(await (await app.request('/')).json()).toMatchObject({
      name: 'millrace',
      version: '1.2.3',
      links: { jobs: '/v1/jobs' },
    });
    const page = await app.request('/', { headers: { accept: 'text/html,*/*' } });
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(await page.text()).toContain('href="/docs"');
  });
});

describe('/openapi.json', () => {
  interface Operation {
    operationId: string;
    parameters?: Array<{ name: string; in: string; required?: boolean }>;
    requestBody?: unknown;
    responses: Record<
      string,
      { content?: object; links?: Record<string, { operationId: string; parameters: object }> }
    >;
  }
  interface Document {
    openapi: string;
    info: { title: string; version: string };
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, unknown> };
  }
  let document: Document;
  beforeAll(async () => {
    document = (await (await app.request('/openapi.json')).json()) as Document;
  });

  it('is OpenAPI 3.1 and knows each route, and no other', () => {
    expect(document.openapi).toBe('3.1.0');
    const documented = Object.entries(document.paths).flatMap(([at, methods]) =>
      Object.keys(methods).map((method) => `${method} ${at}`),
    );
    expect(documented.sort()).toEqual(ROUTES.map(({ method, path: at }) => `${method} ${at}`).sort());
  });

  it('has what each operation needs', () => {
    const ids = new Set<string>();
    for (const [at, methods] of Object.entries(document.paths)) {
      for (const operation of Object.values(methods)) {
        ids.add(operation.operationId);
        const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
        expect(inPath.map(({ name }) => `{${name}}`)).toEqual(at.match(/\{\w+\}/g) ?? []);
        expect(inPath.every(({ required }) => required)).toBe(true);
        for (const [status, { content }] of Object.entries(operation.responses)) {
          if (Number(status) >= 400) expect(Object.keys(content!)).toEqual(['application/problem+json']);
          else expect(content === undefined).toBe(['204', '304'].includes(status));
        }
      }
    }
    expect(ids.size).toBe(ROUTES.length);
  });

  it('refers to nothing that is not there', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      (match) => match[1]!,
    );
    expect(refs).toContain('JobSpec');
    expect([...new Set(refs)].filter((name) => !(name in document.components.schemas))).toEqual([]);
  });

  it('says where an answer leads: all that can be done with a job that was started, a schedule that was made', () => {
    const operations = Object.entries(document.paths).flatMap(([at, methods]) =>
      Object.values(methods).map((operation) => ({ at, ...operation })),
    );
    const linked = (operation: string, status: string) => {
      const { responses } = operations.find(({ operationId }) => operationId === operation)!;
      const links = Object.entries(responses[status]!.links!);
      expect(links.every(([name, link]) => name === link.operationId)).toBe(true);
      expect(new Set(links.map(([, { parameters }]) => JSON.stringify(parameters)))).toEqual(
        new Set(['{"id":"$response.body#/id"}']),
      );
      return links.map(([name]) => name).sort();
    };
    const under = (path: string) =>
      operations
        .filter(({ at }) => at === path || at.startsWith(`${path}/`))
        .map(({ operationId }) => operationId)
        .sort();
    for (const start of ['createJob', 'triggerProcessor', 'retryJob']) {
      expect(linked(start, '202'), start).toEqual(under('/v1/jobs/{id}'));
    }
    for (const make of ['createSchedule', 'putSchedule']) {
      expect(linked(make, '201'), make).toEqual(under('/v1/schedules/{id}'));
    }
  });
});

describe('PROBLEMS', () => {
  it('has a status that is an error for every code', () => {
    for (const [code, [status, title]] of Object.entries(PROBLEMS)) {
      expect(code).toMatch(/^[a-z0-9]+(\.([a-z_]+|\*))?$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(title).toMatch(/^[A-Z]/);
    }
  });
});
