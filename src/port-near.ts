import { createServer } from 'node:net';

const TRIES = 20;

/** The first port from `wanted` on that nobody listens on; any free one where all near it are taken. 0 asks for any. */
export async function portNear(wanted: number, host: string): Promise<number> {
  for (let port = wanted; wanted > 0 && port < wanted + TRIES && port <= 65_535; port += 1) {
    if ((await tryPort(port, host)) !== null) return port;
  }
  return (await tryPort(0, host)) ?? wanted;
}

function tryPort(port: number, host: string): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : null));
    });
  });
}
