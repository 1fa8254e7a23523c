import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FileServer {
  url: string;
  /** `127.0.0.1:port`, as settings allow it. */
  host: string;
  files: Map<string, Buffer>;
  /** Paths in the order in which they were asked for, with the range. */
  asked: string[];
  /** May answer in the place of the file; true: it did. */
  trouble: ((request: IncomingMessage, response: ServerResponse) => boolean) | null;
  ranges: boolean;
  validators: boolean;
  close(): Promise<void>;
}

/** A web server over files in memory, as careful with ranges and versions as a real one. */
export async function startFileServer(): Promise<FileServer> {
  const server: Omit<FileServer, 'url' | 'host' | 'close'> = {
    files: new Map(),
    asked: [],
    trouble: null,
    ranges: true,
    validators: true,
  };
  const listener = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://x');
    server.asked.push(`${pathname} ${request.headers.range ?? ''}`.trim());
    if (server.trouble?.(request, response)) return;
    const bytes = server.files.get(pathname);
    if (!bytes) return void response.writeHead(404).end();
    const etag = `"${createHash('sha1').update(bytes).digest('hex')}"`;
    const headers = server.validators ? { etag } : {};
    const condition = request.headers['if-match'];
    if (server.validators && condition !== undefined && condition !== etag) return void response.writeHead(412).end();
    const range = server.ranges && /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    if (!range) return void response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes);
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]), bytes.length - 1)];
    if (from >= bytes.length) {
      return void response.writeHead(416, { ...headers, 'content-range': `bytes */${bytes.length}` }).end();
    }
    const part = bytes.subarray(from, to + 1);
    response.writeHead(206, {
      ...headers,
      'content-range': `bytes ${from}-${to}/${bytes.length}`,
      'content-length': part.length,
    });
    response.end(part);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  return Object.assign(server, {
    url: `http://${host}`,
    host,
    close: () =>
      new Promise<void>((resolve) => {
        listener.close(() => resolve());
        listener.closeAllConnections();
      }),
  });
}
