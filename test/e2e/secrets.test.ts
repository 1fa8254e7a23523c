/** What the processes of a service are told in secret, and all that can be read of them afterwards. */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from '../../src/core/job.js';
import { freePort } from '../../src/temporal/free-port.js';
import { startFileServer } from '../helpers/file-server.js';
import type { FileServer } from '../helpers/file-server.js';
import { PASSWORD, startPostgres } from '../helpers/postgres-server.js';
import type { PostgresServer } from '../helpers/postgres-server.js';
import { CREDENTIALS, hasS3, testBucket, testS3 } from '../helpers/s3-server.js';
import type { TestBucket } from '../helpers/s3-server.js';
import { testServer, uniqueTaskQueue } from '../helpers/temporal-server.js';
import { commandsIn } from './support/commands.js';
import type { Commands, Service } from './support/commands.js';
import { kept } from './support/kept.js';

const HEADER = 'canary-h3ader';
/** An object of an address that was signed: what is behind `?` opens it. */
const SIGNED = 'canary-s1gned';
const SECRETS = [PASSWORD, HEADER, CREDENTIALS.secretAccessKey];

let home: string;
let bucket: TestBucket;
let web: FileServer;
let postgres: PostgresServer;
let commands: Commands;
let services: Service[];
let api: string;
let metrics: string;
let temporal: { address: string; namespace: string };
/** Every job that a test started. */
const jobs: string[] = [];

beforeAll(async () => {
  if (!hasS3) return;
  home = await mkdtemp(path.join(os.tmpdir(), 'millrace-secrets-'));
  [bucket, web, postgres, temporal] = await Promise.all([
    testBucket(),
    startFileServer(),
    startPostgres(),
    testServer(),
  ]);
  web.trouble = (request, response) => {
    if (request.headers.authorization === `Bearer ${HEADER}`) return false;
    response.writeHead(401).end();
    return true;
  };
  await mkdir(path.join(home, 'processors'));
  await writeFile(
    path.join(home, 'processors', 'tells.mjs'),
    `export default {
      name: 'tells',
      description: 'Fails with all that it can find out',
      record() {
        const { MILLRACE_POSTGRES_SHOP, MILLRACE_HTTP_HEADERS_CRM, AWS_SECRET_ACCESS_KEY } = process.env;
        throw new Error(\`told: \${MILLRACE_POSTGRES_SHOP} \${MILLRACE_HTTP_HEADERS_CRM} \${AWS_SECRET_ACCESS_KEY}\`);
      },
    };`,
  );
  const [port, metricsPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  api = `http://127.0.0.1:${port}`;
  metrics = `http://127.0.0.1:${metricsPort}/metrics`;
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    MILLRACE_HOME: home,
    MILLRACE_ROOTS: home,
    MILLRACE_PORT: String(port),
    MILLRACE_METRICS_PORT: String(metricsPort),
    MILLRACE_TASK_QUEUE: uniqueTaskQueue('secrets'),
    MILLRACE_LOG: 'debug',
    MILLRACE_LOG_FORMAT: 'json',
    MILLRACE_AUDIT: path.join(home, 'audit.log'),
    MILLRACE_S3_BUCKETS: bucket.name,
    MILLRACE_POSTGRES_SHOP: postgres.url,
    MILLRACE_HTTP_ALLOW: web.host,
    MILLRACE_HTTP_HEADERS_CRM: `${web.url}/crm/ Authorization: Bearer ${HEADER}`,
    AWS_ENDPOINT_URL_S3: (await testS3()).endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  };
  commands = commandsIn(home);
  services = await Promise.all(['api', 'worker'].map((command) => commands.start(command, env)));
}, 60_000);
afterAll(async () => {
  if (!hasS3) return;
  await commands?.stop();
  await Promise.all([web?.close(), postgres?.stop()]);
  await rm(home, { recursive: true, force: true });
});

async function ask(at: string, body?: unknown): Promise<string> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(api + at, { ...init, headers: { 'content-type': 'application/json' } });
  return answer.text();
}

async function run(spec: object): Promise<JobView> {
  const job = JSON.parse(await ask('/v1/jobs?wait=30s', spec)) as JobView;
  jobs.push(job.id);
  return job;
}

describe.runIf(hasS3)('a service that was told secrets', () => {
  const pass = { use: 'sql', with: { map: 'select n from chunk' } };

  it('uses them: for a bucket, a database, and a web server that gives files and pages', async () => {
    await bucket.put('in.csv', 'n\n1\n');
    web.files.set('/crm/in.csv', Buffer.from('n\n2\n'));
    web.files.set('/crm/pages', Buffer.from('[{"n":3}]'));
    await postgres.query('create table numbers as select 4 as n');
    const sources = [
      { uri: `s3://${bucket.name}/in.csv` },
      { uri: `${web.url}/crm/in.csv?signature=${SIGNED}` },
      { uri: `${web.url}/crm/pages`, pages: 'link' },
      { uri: 'postgres://shop/numbers' },
    ];
    const found = await Promise.all(sources.map((source) => run({ source, process: pass })));
    expect(found.map(({ result }) => result?.rows)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }], [{ n: 4 }]]);
    const sink = await run({ source: sources[0], process: pass, sink: { uri: 'postgres://shop/taken' } });
    expect(sink.state).toBe('completed');
    expect(await postgres.query('select n::int from taken')).toEqual([{ n: 1 }]);
  });

  it('masks them in what code fails with that came upon them', async () => {
    const job = await run({
      source: { items: [{ n: 1 }] },
      process: { use: 'tells' },
      options: { retry: { attempts: 1 } },
    });
    expect(job.state).toBe('failed');
    expect(job.error?.message).toMatch(/told: postgres:\/\/millrace:\*\*\*@.* Authorization: \*\*\* \*\*\*$/);
  });

  it('has them nowhere: not in histories, logs, metrics, streams, manifests, answers, nor in the work area', async () => {
    const missing = await ask('/v1/jobs', {
      source: { uri: `${web.url}/crm/none?signature=${SIGNED}` },
      process: pass,
    });
    expect(missing).toContain('source.not_found');
    const connection = await Connection.connect({ address: temporal.address });
    const texts: Record<string, string> = { 'the API log': services[0]!.said(), 'the worker log': services[1]!.said() };
    try {
      const client = new Client({ connection, namespace: temporal.namespace });
      for (const id of jobs) {
        texts[`the history of ${id}`] = await kept(client, temporal.namespace, id);
        for (const part of ['', '/spec', '/manifest', '/chunks', '/events', '/result', '/rejects']) {
          texts[`${id}${part}`] = await ask(`/v1/jobs/${id}${part}`);
        }
      }
    } finally {
      await connection.close();
    }
    for (const at of ['/v1/jobs', '/v1/processors', '/v1/workers', '/metrics', '/openapi.json', '/docs', '/']) {
      texts[at] = await ask(at);
    }
    texts['the metrics of the worker'] = await (await fetch(metrics)).text();
    texts['the audit log'] = await readFile(path.join(home, 'audit.log'), 'utf8');
    const work = path.join(home, 'work');
    for (const entry of await readdir(work, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      if (entry.isFile()) texts[`the work area, ${file}`] = await readFile(file, 'latin1');
    }
    expect(texts['the worker log']).toContain('"msg"');
    expect(texts[`${jobs[0]}/manifest`]).toContain('in.csv');
    expect(texts[`${jobs[0]}/events`]).toContain('event: ');
    expect(texts[`the history of ${jobs.at(-1)}`]).toContain('told: postgres');
    expect(texts['the metrics of the worker']).toContain('millrace_records_total');
    expect(texts['the audit log']).toContain('/v1/jobs');
    for (const [where, text] of Object.entries(texts)) {
      for (const secret of SECRETS) expect(text, where).not.toContain(secret);
      // The spec and what the server keeps of it have the address as it was given; nothing else does.
      if (!/\/spec$|^the history|^the work area/.test(where)) expect(text, where).not.toContain(SIGNED);
    }
  });
});
