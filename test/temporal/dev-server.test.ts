import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SEARCH_ATTRIBUTE_NAMES } from '../../src/core/search-attributes.js';
import { connectClient } from '../../src/temporal/connect.js';
import { startDevServer } from '../../src/temporal/dev-server.js';
import type { DevServer } from '../../src/temporal/dev-server.js';
import { freePort } from '../../src/temporal/free-port.js';
import { testCli } from '../helpers/temporal-server.js';

const CLI = testCli() ?? '';
const MODULE = fileURLToPath(new URL('../../src/temporal/dev-server.ts', import.meta.url));
const THIRTY_DAYS_S = 30 * 86_400;

let folder: string;
const started: DevServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-server-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(CLI === '')('startDevServer', () => {
  it('answers with the namespace, its search attributes and 30 days of retention, and frees its ports when stopped', async () => {
    const logFile = path.join(folder, 'logs', 'temporal.log');
    const server = await start({ namespace: 'mill', logFile });
    const { connection } = await connectClient({ address: server.address, namespace: 'mill' });
    const described = await connection.workflowService.describeNamespace({ namespace: 'mill' });
    expect(Number(described.config?.workflowExecutionRetentionTtl?.seconds)).toBe(THIRTY_DAYS_S);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'mill' });
    expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining([...SEARCH_ATTRIBUTE_NAMES]));
    await connection.close();
    expect((await fetch(server.uiUrl!)).status).toBe(200);

    await server.stop();
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    const [, port] = server.address.split(':');
    await expectFree(Number(port));
    await expectFree(Number(new URL(server.uiUrl!).port));
    await expect(readFile(logFile, 'utf8')).resolves.toBeTypeOf('string');
  });

  it('keeps its data in the file it is given', async () => {
    const dbFile = path.join(folder, 'data', 'temporal.db');
    const first = await start({ dbFile, uiPort: false });
    expect(first.uiUrl).toBeUndefined();
    const before = await connectClient({ address: first.address });
    await before.client.workflow.start('anything', { workflowId: 'kept', taskQueue: 'nobody' });
    await before.connection.close();
    await first.stop();

    const second = await start({ dbFile, uiPort: false });
    const after = await connectClient({ address: second.address });
    expect((await after.client.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
    await after.connection.close();
  });

  it('takes no port that another process listens on for its own', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const taken = {
      code: 'temporal.server_failed',
      message: `the Temporal dev server did not start: another process listens on "127.0.0.1:${port}"; end it, or choose another port`,
    };
    await expect(start({ port, uiPort: false })).rejects.toMatchObject(taken);
    await expect(start({ uiPort: port })).rejects.toMatchObject(taken);
    other.close();
  });

  it('quotes the log where the server does not start', async () => {
    await expect(start({ uiPort: false, extraArgs: ['--no-such-flag'] })).rejects.toMatchObject({
      code: 'temporal.server_failed',
      message: expect.stringMatching(
        /^the Temporal dev server on port \d+ did not start: it ended with exit code 1; its log ends with:\n[^]*--no-such-flag/,
      ) as string,
    });
  });

  it('names a program that is not there', async () => {
    await expect(startDevServer({ cli: '/nowhere/temporal', uiPort: false })).rejects.toMatchObject({
      code: 'temporal.server_failed',
      message: expect.stringContaining('spawn /nowhere/temporal ENOENT') as string,
    });
  });

  it.skipIf(process.platform === 'win32')('ends with its parent, also where the parent is killed', async () => {
    const port = await freePort('127.0.0.1');
    const script = `
      const { startDevServer } = await import(${JSON.stringify(MODULE)});
      const server = await startDevServer({ cli: ${JSON.stringify(CLI)}, port: ${port}, uiPort: false });
      console.log(server.pid);
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString().trim());
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    await expectFree(port);
  });

  it('does not keep alive a process that has nothing else to do', async () => {
    const script = `
      const { startDevServer } = await import(${JSON.stringify(MODULE)});
      await startDevServer({ cli: ${JSON.stringify(CLI)}, uiPort: false });`;
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: 'inherit',
    });
    const [code] = (await once(parent, 'exit')) as [number];
    expect(code).toBe(0);
  });
});

async function start(options: Omit<Parameters<typeof startDevServer>[0], 'cli'>): Promise<DevServer> {
  const server = await startDevServer({ cli: CLI, ...options });
  started.push(server);
  return server;
}

async function expectFree(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
