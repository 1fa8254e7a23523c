import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { guardedRequest } from '../../src/stores/guarded-request.js';

// What a name server answers is its owner's to say, and another thing each time.
const lookup = vi.fn();

const PUBLIC = '203.0.113.7';
const PRIVATE = '127.0.0.1';

/** Has nobody to hear of it. */
let canary: Server;
let connections = 0;

beforeAll(async () => {
  canary = createServer((_, response) => response.end('secret'));
  canary.on('connection', () => (connections += 1));
  canary.listen(0, PRIVATE);
  await once(canary, 'listening');
});
afterAll(() => canary.close());
afterEach(() => lookup.mockReset());

type Done = (error: null, found: Array<{ address: string; family: number }>) => void;

function answers(...each: string[][]): void {
  for (const addresses of each) {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    lookup.mockImplementationOnce((_name: string, _options: unknown, done: Done) => done(null, found));
  }
}

/** Where a request goes: the address that is connected to, or the error that it ends with. */
async function goes(): Promise<string> {
  const { port } = canary.address() as AddressInfo;
  const url = new URL(`http://rebinding.example:${port}/`);
  const request = guardedRequest(url, {}, { allow: [], refusal: () => new Error('refused'), lookup: lookup as never });
  const looked = once(request, 'socket').then(async ([socket]) => {
    const [error, address] = (await once(socket as Socket, 'lookup')) as [Error | null, string];
    return error ? error.message : address;
  });
  const failed = once(request, 'error').then(([error]) => (error as Error).message);
  request.end();
  const end = await Promise.race([looked, failed]);
  request.on('error', () => undefined).destroy();
  return end;
}

describe('a request to a name', () => {
  it('that is public first and private then goes nowhere the second time', async () => {
    answers([PUBLIC], [PRIVATE]);
    // Or, on a machine without a network, the error that names it.
    expect(await goes()).toContain(PUBLIC);
    // The address that was looked at is the one that is connected to: it was asked for once.
    expect(lookup).toHaveBeenCalledTimes(1);
    expect(await goes()).toBe('refused');
    expect(connections).toBe(0);
  });

  it.each([
    [[PRIVATE]],
    [[PUBLIC, PRIVATE]],
    [['169.254.169.254']],
    [['::ffff:127.0.0.1']],
    [['::1']],
    [['fd00:ec2::254']],
    [['100.100.100.200']],
    [['0.0.0.0']],
  ])('that is %j is refused, and nothing hears of it', async (addresses) => {
    answers(addresses);
    expect(await goes()).toBe('refused');
    expect(connections).toBe(0);
  });
});
