/** The processes of docker-compose.production.yml, started by hand with the environment that they have there. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from '../../src/core/job.js';
import { freePort } from '../../src/temporal/free-port.js';
import { compose } from '../ops/support/documents.js';
import { hasS3, testBucket, testS3 } from '../helpers/s3-server.js';
import type { TestBucket } from '../helpers/s3-server.js';
import { testServer, uniqueTaskQueue } from '../helpers/temporal-server.js';
import { commandsIn } from './support/commands.js';
import type { Commands, Service } from './support/commands.js';

const { services } = compose('docker-compose.production.yml');
const ROWS = 4000;

let home: string;
let bucket: TestBucket;
let api: string;
let token: string;
/** What the containers are told, with the addresses and the folders of this machine in the place of theirs. */
let environmentOf: (service: 'api' | 'worker', changes?: Record<string, string>) => Record<string, string>;
let commands: Commands;
let worker: Service;

beforeAll(async () => {
  if (!hasS3) return;
  home = await mkdtemp(path.join(os.tmpdir(), 'millrace-production-'));
  commands = commandsIn(home);
  bucket = await testBucket();
  const [{ address, namespace }, { endpoint }] = await Promise.all([testServer(), testS3()]);
  const here: Record<string, string> = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    MILLRACE_HOME: home,
    MILLRACE_WORK: `s3://${bucket.name}/work`,
    MILLRACE_SCRATCH: path.join(home, 'scratch'),
    MILLRACE_ROOTS: home,
    MILLRACE_TASK_QUEUE: uniqueTaskQueue('production'),
    MILLRACE_S3_BUCKETS: `${bucket.name}/data`,
    MILLRACE_ENCRYPTION_KEYS: `k:${Buffer.alloc(32, 3).toString('base64')}`,
    MILLRACE_SESSION_KEY: 'only-for-tests',
    MILLRACE_TOKENS: path.join(home, 'tokens.json'),
    MILLRACE_AUDIT: path.join(home, 'audit.log'),
    MILLRACE_RATE_LIMIT: '200',
    MILLRACE_LOG: 'info',
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: process.env.AWS_ACCESS_KEY_ID ?? 'millrace',
    AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY ?? 'only-for-tests',
    TEMPORAL_UI_URL: 'http://127.0.0.1:8233',
  };
  environmentOf = (service, changes = {}) => {
    const told = services[service]!.environment!;
    const found = Object.fromEntries(Object.entries(told).map(([name, value]) => [name, here[name] ?? String(value)]));
    const left = Object.entries(found).filter(([, value]) => value.includes('${'));
    if (left.length > 0) throw new Error(`nothing here stands for ${JSON.stringify(left)}`);
    return { ...found, PATH: process.env.PATH!, HOME: home, ...changes };
  };
  token = (await commands.output(['tokens', 'create', '--role', 'operator'], environmentOf('api'))).trim();
  const port = String(await freePort('127.0.0.1'));
  api = `http://127.0.0.1:${port}`;
  [worker] = await Promise.all([
    startWorker(),
    startWorker(),
    commands.start(services.api!.command as string, environmentOf('api', { MILLRACE_PORT: port })),
  ]);
}, 60_000);
afterAll(async () => {
  if (!hasS3) return;
  await commands?.stop();
  await rm(home, { recursive: true, force: true });
});

async function startWorker(): Promise<Service> {
  const metrics = String(await freePort('127.0.0.1'));
  return commands.start(
    services.worker!.command as string,
    environmentOf('worker', { MILLRACE_METRICS_PORT: metrics }),
  );
}

async function ask(at: string, body?: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return fetch(api + at, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) });
}

describe.runIf(hasS3)('the production processes', () => {
  it('ask who calls, and say that they are ready', async () => {
    expect((await fetch(`${api}/v1/jobs`)).status).toBe(401);
    expect((await fetch(`${api}/healthz`)).status).toBe(200);
    await expect.poll(async () => (await fetch(`${api}/readyz`)).status).toBe(200);
  });

  it('do a job from object to object, exactly, though one worker is taken away in the middle of it', async () => {
    const lines = Array.from({ length: ROWS }, (_, n) => `${n},${n * 3}`);
    await bucket.put('data/in.csv', `id,amount\n${lines.join('\n')}\n`);
    const accepted = await ask('/v1/jobs', {
      source: { uri: `s3://${bucket.name}/data/in.csv` },
      process: { use: 'sql', with: { map: 'select id, amount * 2 twice from chunk' } },
      sink: { uri: `s3://${bucket.name}/data/out.csv` },
      options: { chunk: { bytes: 2048 }, rate: { chunks: '8/s' } },
    });
    expect(accepted.status).toBe(202);
    const { id } = (await accepted.json()) as JobView;
    const view = async () => (await (await ask(`/v1/jobs/${id}`)).json()) as JobView;
    await expect.poll(async () => (await view()).progress?.chunks.done).toBeGreaterThan(2);
    await worker.stop();
    await expect.poll(async () => (await view()).state, { timeout: 50_000 }).toBe('completed');
    const written = (await bucket.read('data/out.csv')).toString().trim().split('\n').slice(1);
    expect(written).toEqual(Array.from({ length: ROWS }, (_, n) => `${n},${n * 6}`));
  });

  it('write down who did it', async () => {
    const entries = (await readFile(path.join(home, 'audit.log'), 'utf8')).trim().split('\n');
    expect(entries.map((line) => (JSON.parse(line) as { status: number }).status)).toEqual([401, 202]);
  });
});
