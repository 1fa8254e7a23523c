import http from 'node:http';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** What a connection reads at once. */
const READ_BYTES = 128 * 1024;

/** Bodies that take what comes at once, by their connection. */
const taking = new WeakMap<Socket, IncomingMessage>();

/**
 * Agents whose connections read into one buffer each, over and over, and more of it at once. Node allocates memory for whatever a
 * connection reads, outside of the heap, and much of that makes it collect garbage. Only `readInto` gains by it; to all others
 * goes a copy.
 */
export const bodyAgents = {
  http: agent(http.Agent),
  https: agent(https.Agent),
};

function agent<A extends http.Agent>(Base: new (options: http.AgentOptions) => A): A {
  // What it makes a connection by is not in the types of Node.
  const made = new Base({ keepAlive: true }) as A & { createConnection(options: object, ...more: unknown[]): Socket };
  const connect = made.createConnection;
  made.createConnection = (options, ...more) => {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback(count: number, bytes: Uint8Array): boolean {
        hand(socket, Buffer.from(bytes.buffer, bytes.byteOffset, count));
        return true;
      },
    };
    const socket: Socket = connect.call(made, { ...options, onread }, ...more);
    return socket;
  };
  return made;
}

/** @param bytes good until this returns */
function hand(socket: Socket, bytes: Buffer): void {
  const body = taking.get(socket);
  const takesAtOnce = body?.readableFlowing === true && body.readableLength === 0 && !body.complete;
  socket.emit('data', takesAtOnce ? bytes : Buffer.from(bytes));
  // It goes from the connection through the parser to its reader while we wait. Should that ever change, we had better know.
  if (takesAtOnce && body.readableLength > 0) body.destroy(new Error('a body kept bytes that are read over'));
}

/**
 * Fills a buffer with what a body brings.
 * @returns how many bytes came; more than fit are counted and not kept
 */
export async function readInto(body: Readable, into: Buffer): Promise<number> {
  let bytes = 0;
  body.on('data', (block: Buffer) => {
    if (bytes < into.length) block.copy(into, bytes);
    bytes += block.length;
  });
  const { socket } = body as Partial<IncomingMessage>;
  if (socket) taking.set(socket, body as IncomingMessage);
  // Before the connection is free for another request.
  body.once('end', () => socket && taking.delete(socket));
  await finished(body);
  return bytes;
}
