/** Bodies of answers, read into buffers over connections that read into one buffer each. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyAgents, readInto } from '../../src/stores/body.js';

const bytes = randomBytes(8 * 1024 * 1024);
const fixture = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
const cert = fixture('cert.pem');

/** `/from-to`; with `?chunked` in pieces that come one after the other, with `?broken` not all of it. */
function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { pathname, search } = new URL(request.url!, 'http://x');
  const [from, to] = pathname.slice(1).split('-').map(Number);
  const part = bytes.subarray(from, to);
  if (search === '?broken') {
    response.writeHead(200, { 'content-length': part.length });
    response.write(part.subarray(0, part.length / 2), () => response.destroy());
    return;
  }
  if (search !== '?chunked') return void response.writeHead(200, { 'content-length': part.length }).end(part);
  void (async () => {
    for (let at = 0; at < part.length; at += 100_000) {
      response.write(part.subarray(at, at + 100_000));
      await sleep(0);
    }
    response.end();
  })();
}

const servers = {
  http: http.createServer(answer),
  https: https.createServer({ key: fixture('key.pem'), cert }, answer),
};
beforeAll(async () => {
  for (const server of Object.values(servers))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => Object.values(servers).forEach((server) => server.close()));

describe.each(['http', 'https'] as const)('over %s', (protocol) => {
  function get(from: number, to: number, search = ''): Promise<http.IncomingMessage> {
    const { port } = servers[protocol].address() as AddressInfo;
    const url = `${protocol}://127.0.0.1:${port}/${from}-${to}${search}`;
    const client = protocol === 'http' ? http : https;
    return new Promise((resolve, reject) => {
      client.get(url, { agent: bodyAgents[protocol], ca: cert }, resolve).on('error', reject);
    });
  }
  const isThat = (found: Buffer, from: number, to: number) => found.equals(bytes.subarray(from, to));

  it('many at once are each what was asked for, also where they begin to be read late or come in pieces', async () => {
    const one = async (n: number) => {
      const [from, to] = [n * 30_011, n * 30_011 + 700_000 + n];
      for (const search of ['', '?chunked', '']) {
        const body = await get(from, to, search);
        if (n % 3 === 0) await sleep(n);
        const into = Buffer.alloc(to - from);
        expect(await readInto(body, into)).toBe(into.length);
        expect(isThat(into, from, to)).toBe(true);
      }
    };
    await Promise.all(Array.from({ length: 24 }, (_, n) => one(n)));
  });

  it('who keeps the blocks of a body keeps what came', async () => {
    const kept = async (n: number) => {
      const blocks: Buffer[] = [];
      for await (const block of await get(n, n + 2_000_000)) {
        blocks.push(block as Buffer);
        await sleep(1);
      }
      expect(isThat(Buffer.concat(blocks), n, n + 2_000_000)).toBe(true);
    };
    await Promise.all([kept(0), kept(1), kept(2), readInto(await get(3, 4_000_000), Buffer.alloc(5_000_000))]);
  });

  it('what does not fit is counted', async () => {
    const into = Buffer.alloc(1000);
    expect(await readInto(await get(0, 500_000), into)).toBe(500_000);
    expect(isThat(into, 0, 1000)).toBe(true);
  });

  it('one that breaks off is an error', async () => {
    await expect(readInto(await get(0, 1_000_000, '?broken'), Buffer.alloc(1_000_000))).rejects.toThrow();
  });
});
