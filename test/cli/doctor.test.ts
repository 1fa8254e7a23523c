import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiClient } from '../../src/cli/api-client.js';
import { checkApi } from '../../src/cli/doctor/api-check.js';
import { checkNode, checkRoots, checkVersions } from '../../src/cli/doctor/machine-checks.js';
import { checkServerClock, checkServerVersion } from '../../src/cli/doctor/temporal-checks.js';
import { packageVersion } from '../../src/cli/package-root.js';
import type { Config } from '../../src/core/config.js';
import { startEngine, type Engine } from '../helpers/engine.js';
import { millrace } from './support/test-io.js';

describe('versions', () => {
  it.each([
    ['20.19.0', 'ok'],
    ['24.1.0', 'ok'],
    ['20.18.3', 'fail'],
    ['18.20.0', 'fail'],
  ])('Node %s: %s', (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });

  it.each([
    ['1.32.0', 'ok'],
    ['1.29.1', 'ok'],
    ['1.28.3', 'warn'],
    ['', 'ok'],
  ])('Temporal server %s: %s', (version, status) => {
    expect(checkServerVersion('x:1', version).status).toBe(status);
  });

  it('the packages of the SDK have to be of one version', () => {
    expect(checkVersions()).toMatchObject({ status: 'ok', detail: expect.stringContaining(packageVersion()) });
    const mixed = checkVersions((name) => (name === '@temporalio/worker' ? '1.9.0' : '1.24.0'));
    expect(mixed).toMatchObject({ status: 'fail', detail: expect.stringContaining('@temporalio/worker 1.9.0') });
    expect(mixed.mend).toContain('npm ci');
  });
});

describe('roots', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-doctor-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('have to be folders that are there', async () => {
    await writeFile(join(folder, 'file'), '');
    const roots = [folder, join(folder, 'nowhere'), join(folder, 'file')];
    const checks = await checkRoots({ roots } as Config);
    expect(checks.map(({ status }) => status)).toEqual(['ok', 'fail', 'fail']);
    expect(checks[1]!.mend).toContain('MILLRACE_ROOTS');
  });
});

describe('clocks and the API', () => {
  it.each([
    [0, 'ok'],
    [-59_000, 'ok'],
    [-70_000, 'warn'],
    [6000, 'warn'],
    [Number.NEGATIVE_INFINITY, 'ok'],
  ])('newest time of the Temporal server %i ms from now: %s', (ms, status) => {
    expect(checkServerClock(ms).status).toBe(status);
  });

  it.each([
    ['in step', 0, packageVersion(), ['ok', 'ok']],
    ['an hour behind', -3_600_000, packageVersion(), ['ok', 'warn']],
    ['an hour ahead', 3_600_000, packageVersion(), ['ok', 'warn']],
    ['of another version', 0, '0.0.1', ['warn', 'ok']],
  ])('an API %s', async (_, skewMs, version, statuses) => {
    const server = createServer((_request, response) => {
      response.setHeader('date', new Date(Date.now() + skewMs).toUTCString());
      response.end(JSON.stringify({ name: 'millrace', version }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const checks = await checkApi(async () => apiClient(url));
    await new Promise((resolve) => server.close(resolve));
    expect(checks.map(({ status }) => status)).toEqual(statuses);
    for (const { status, mend } of checks) expect(mend === undefined).toBe(status === 'ok');
  });

  it('an API that is away is a warning with the way to start one', async () => {
    const [check] = await checkApi(async () => apiClient('http://127.0.0.1:9'));
    expect(check).toMatchObject({ status: 'warn', mend: expect.stringContaining('millrace api') });
  });
});

describe('doctor, whole', () => {
  let engine: Engine;
  beforeEach(async () => {
    engine = await startEngine('doctor');
  });
  afterEach(() => engine.stop());

  const doctor = (more: Record<string, string> = {}) => {
    const { config, data } = engine;
    const env = {
      TEMPORAL_ADDRESS: config.temporal.address!,
      MILLRACE_TASK_QUEUE: config.taskQueue,
      MILLRACE_WORK: config.work,
      MILLRACE_SCRATCH: config.scratch,
      MILLRACE_ROOTS: data,
      MILLRACE_API: 'http://127.0.0.1:9',
      ...more,
    };
    return millrace(['doctor', '--json'], { env, cwd: data });
  };

  it('finds server, namespace, attributes and queues of a worker that works; without one it says how to start it', async () => {
    const { code, out } = await doctor();
    const { healthy, checks } = JSON.parse(out) as {
      healthy: boolean;
      checks: Array<{ name: string; status: string }>;
    };
    const faults = checks.filter(({ status }) => status === 'fail');
    expect([code, healthy, faults]).toEqual([0, true, []]);
    const names = checks.map(({ name }) => name);
    for (const name of [
      'node',
      'versions',
      'temporal server',
      'namespace',
      'search attributes',
      'workers',
      'clock of Temporal',
    ])
      expect(names).toContain(name);
    for (const name of ['api', 'root', 'work area', 'scratch', 'processors']) expect(names).toContain(name);

    const idle = await doctor({ MILLRACE_TASK_QUEUE: 'nobody-polls-this' });
    expect(idle.code).toBe(1);
    expect(idle.out).toContain('millrace worker --queue nobody-polls-this');
  });
});
