import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/core/config.js';
import { startServer } from '../../src/server.js';
import type { RunningServer } from '../../src/server.js';
import { testServer, uniqueTaskQueue } from '../helpers/temporal-server.js';

let config: Config;
let server: RunningServer;
beforeAll(async () => {
  const { address, namespace } = await testServer();
  const home = await mkdtemp(path.join(os.tmpdir(), 'millrace-server-'));
  config = {
    host: '127.0.0.1',
    port: 0,
    home,
    roots: [home],
    work: path.join(home, 'work'),
    scratch: home,
    taskQueue: uniqueTaskQueue('server'),
    processors: [],
    threads: 1,
    sqlMemoryBytes: 2 ** 28,
    temporal: { address, namespace },
  };
  server = await startServer(config);
});
afterAll(async () => {
  await server.stop();
  await rm(config.home, { recursive: true });
});

describe('startServer', () => {
  it('answers on the port it got', async () => {
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, ((await ready.json()) as { code: string }).code]).toEqual([503, 'job.no_worker']);
  });

  it('does not answer to a foreign name', async () => {
    const status = await new Promise((resolve) => {
      request(`${server.url}/healthz`, { headers: { host: 'evil.example' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).end();
    });
    expect(status).toBe(403);
  });

  it('says what to do about a taken port', async () => {
    const port = Number(new URL(server.url).port);
    await expect(startServer({ ...config, port })).rejects.toMatchObject({
      code: 'api.port_in_use',
      message: `port ${port} of 127.0.0.1 is taken; stop what uses it, or set MILLRACE_PORT (0 takes a free one)`,
    });
  });

  it.each(['0.0.0.0', '::', '192.0.2.1'])('does not listen on %s without being told to', async (host) => {
    await expect(startServer({ ...config, host })).rejects.toMatchObject({ code: 'config.insecure' });
  });

  it('takes no header that fills its memory', async () => {
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`x-${n}`, 'some text']));
    expect(await statusLine(`GET /healthz HTTP/1.1\r\nhost: ${host()}\r\n${headerLines(many)}\r\n`)).toContain(' 431 ');
  });

  it('sends away who is slow with a request, to hold the connection', async () => {
    const began = Date.now();
    expect(await statusLine(`GET /healthz HTTP/1.1\r\nhost: ${host()}\r\nx-slow: `)).toContain(' 408 ');
    expect(Date.now() - began).toBeLessThan(30_000);
  });
});

const host = () => new URL(server.url).host;

function headerLines(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

/** What the server answers to these bytes, after which none come. */
function statusLine(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.once('close', () => resolve(text.split('\r\n')[0]!));
    socket.once('error', reject);
  });
}
