import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a request meets: an answer of the server, a status instead of it, or a connection that breaks before or after the work is done. */
export type Trouble = 'none' | 500 | 503 | 'reset' | 'lost answer' | 'cut answer';

export interface TroubleProxy {
  /** Decides for each request; default: none. */
  trouble: (request: IncomingMessage) => Trouble;
  /** Requests so far. */
  requests: number;
  close(): Promise<void>;
}

/** Stands before an HTTP server and makes the network bad. */
export async function startTroubleProxy(target: string, port: number): Promise<TroubleProxy> {
  const proxy = { trouble: (): Trouble => 'none', requests: 0 } as Omit<TroubleProxy, 'close'>;
  const listener = createServer((asked, answer) => {
    proxy.requests++;
    const trouble = proxy.trouble(asked);
    if (trouble === 'reset') return void asked.socket.destroy();
    if (typeof trouble === 'number') return void refuse(asked, answer, trouble);
    // The host stays as it was signed.
    const { method, headers, url } = asked;
    const passed = request(new URL(url!, target), { method, headers }, (found) => {
      if (trouble === 'lost answer') {
        found.resume();
        found.on('end', () => asked.socket.destroy());
        return;
      }
      answer.writeHead(found.statusCode!, found.headers);
      if (trouble === 'cut answer') {
        found.once('data', (some: Buffer) => {
          answer.write(some.subarray(0, Math.ceil(some.length / 2)), () => asked.socket.destroy());
          found.destroy();
        });
        // Some have no body to be cut.
        found.once('end', () => asked.socket.destroy());
        return;
      }
      found.pipe(answer);
    });
    passed.on('error', () => asked.socket.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  return Object.assign(proxy, {
    close: () =>
      new Promise<void>((resolve) => {
        listener.close(() => resolve());
        listener.closeAllConnections();
      }),
  });
}

function refuse(asked: IncomingMessage, answer: ServerResponse, status: number): void {
  asked.resume();
  asked.on('end', () => answer.writeHead(status).end());
}
