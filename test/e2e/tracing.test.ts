/** The processes of a service that exports its spans, and a collector that takes them. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PROCESS_DATASET } from '../../src/contract.js';
import { freePort } from '../../src/temporal/free-port.js';
import { testServer, uniqueTaskQueue } from '../helpers/temporal-server.js';
import { commandsIn } from './support/commands.js';
import type { Commands } from './support/commands.js';

interface Span {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: Record<string, unknown>;
  failed: boolean;
}

const CANARY = 'canary-5f1c';

const spans: Span[] = [];
let sent = '';
let noticed = 0;
let home: string;
let collector: Server;
let api: string;
let taskQueue: string;
let commands: Commands;

beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'millrace-tracing-'));
  taskQueue = uniqueTaskQueue('tracing');
  collector = createServer((request, response) => {
    void json(request).then((body) => {
      if (request.url === '/v1/traces') take(body as Exported);
      else noticed += 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port: collects } = collector.address() as AddressInfo;
  const { address, namespace } = await testServer();
  const port = await freePort('127.0.0.1');
  api = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    MILLRACE_HOME: home,
    MILLRACE_ROOTS: home,
    MILLRACE_PORT: String(port),
    MILLRACE_TASK_QUEUE: taskQueue,
    MILLRACE_THREADS: '1',
    MILLRACE_LOG: 'error',
    MILLRACE_ENCRYPTION_KEYS: `k:${Buffer.alloc(32, 5).toString('base64')}`,
    MILLRACE_NOTIFY_ALLOW: `127.0.0.1:${collects}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collects}`,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  };
  commands = commandsIn(home);
  await Promise.all(['api', 'worker'].map((command) => commands.start(command, env)));
  const ready = async () => expect((await fetch(`${api}/readyz`)).status).toBe(200);
  await vi.waitFor(ready, { timeout: 40_000, interval: 200 });
}, 60_000);
afterAll(async () => {
  await commands?.stop();
  collector.close();
  await rm(home, { recursive: true, force: true });
});

describe('traces', () => {
  it('lead from the request of a caller to each attempt, and to those who are told of the end', async () => {
    const rows = Array.from({ length: 200 }, (_, n) => `${n},${n % 7}`);
    await writeFile(path.join(home, 'in.csv'), `n,digit\n${rows.join('\n')}\n`);
    const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
    const { port } = collector.address() as AddressInfo;
    const { id } = await start(
      {
        source: { uri: 'in.csv' },
        process: { use: 'sql', with: { map: 'select n from chunk' } },
        sink: { uri: 'out.csv' },
        options: { chunk: { rows: 100 }, notify: [`http://127.0.0.1:${port}/hook`] },
      },
      { traceparent: `00-${traceId}-${spanId}-01` },
    );
    const names = () => ofTrace(traceId).map(({ name }) => name);
    await expect.poll(names).toEqual(expect.arrayContaining(['RunActivity:commit', 'RunActivity:notify']));
    const found = ofTrace(traceId);
    const [request, started] = ['POST /v1/jobs', `StartWorkflow:${PROCESS_DATASET}`].map((name) =>
      found.find((span) => span.name === name)!,
    );
    expect(request).toMatchObject({ service: 'millrace-api', parentSpanId: spanId });
    expect(started).toMatchObject({ parentSpanId: request!.spanId, attributes: { temporalWorkflowID: id } });
    const attempts = found.filter(({ name }) => name.startsWith('RunActivity:'));
    expect(new Set(attempts.map(({ name }) => name.slice('RunActivity:'.length)))).toEqual(
      new Set(['inspect', 'processChunks', 'stitch', 'commit', 'notify']),
    );
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({ service: 'millrace-worker', parentSpanId: started!.spanId, failed: false });
    }
    const chunks = attempts.filter(({ name }) => name === 'RunActivity:processChunks');
    const total = chunks.reduce((sum, { attributes }) => sum + Number(attributes['millrace.records.in']), 0);
    expect(total).toBe(200);
    expect(chunks[0]!.attributes).toMatchObject({ 'millrace.job': id, 'millrace.attempt': 1 });
    expect(noticed).toBe(1);
  });

  it('keep the attempts of a job together that was started without one', async () => {
    const { client } = await testServer();
    const id = `untraced-${randomBytes(4).toString('hex')}`;
    const handle = await client.workflow.start(PROCESS_DATASET, {
      workflowId: id,
      taskQueue,
      args: [
        { source: { items: [{ a: 1 }, { a: 2 }] }, process: { use: 'sql', with: { map: 'select a from chunk' } } },
      ],
    });
    const traceId = createHash('sha256').update(id).digest('hex').slice(0, 32);
    await expect.poll(() => ofTrace(traceId).map(({ name }) => name)).toContain('RunActivity:commit');
    expect(ofTrace(traceId).every(({ parentSpanId }) => !parentSpanId)).toBe(true);
    expect(
      spans.filter(({ attributes }) => attributes['millrace.job'] === id).every((span) => span.traceId === traceId),
    ).toBe(true);
    expect(await handle.describe()).toMatchObject({ status: { name: 'COMPLETED' } });
  });

  it('tell the code of what failed, and nothing that data or people said', async () => {
    const { id } = await start({
      source: { items: [{ a: CANARY }] },
      process: { use: 'sql', with: { map: 'select a::int as a from chunk' } },
      options: { retry: { attempts: 1 } },
    });
    const failed = () => spans.find(({ attributes, failed }) => failed && attributes['millrace.job'] === id);
    await expect.poll(failed).toBeDefined();
    expect(failed()!.attributes['error.type']).toMatch(/^[a-z]+\.[a-z_]+$/);
    expect(sent).toContain(id);
    expect(sent).not.toContain(CANARY);
  });
});

async function start(spec: unknown, headers: Record<string, string> = {}): Promise<{ id: string }> {
  const response = await fetch(`${api}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(spec),
  });
  expect(response.status, await response.clone().text()).toBe(202);
  return (await response.json()) as { id: string };
}

function ofTrace(traceId: string): Span[] {
  return spans.filter((span) => span.traceId === traceId);
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

/** OTLP, in JSON. */
interface Exported {
  resourceSpans: Array<{
    resource: { attributes: Attribute[] };
    scopeSpans: Array<{
      spans: Array<Omit<Span, 'attributes' | 'failed'> & { attributes: Attribute[]; status: { code: number } }>;
    }>;
  }>;
}

function take(body: Exported): void {
  sent += JSON.stringify(body);
  const values = (attributes: Attribute[]) =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  for (const { resource, scopeSpans } of body.resourceSpans) {
    const service = String(values(resource.attributes)['service.name']);
    for (const { attributes, status, ...span } of scopeSpans.flatMap((scope) => scope.spans)) {
      spans.push({ ...span, service, attributes: values(attributes), failed: status.code === 2 });
    }
  }
}
