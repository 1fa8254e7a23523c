import type { MiddlewareHandler } from 'hono';
import { HttpProblem } from './problems.js';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Lets only requests through that name this service as their host, and, where they change something, come from no other
 * site. A page in a browser could else reach a service on loopback by a name of its own (DNS rebinding), or post to it.
 * @param allowed more host names, without ports
 * @param options.anyHost whether any name will do
 * @param options.originsOf other sites, whose pages may change something at a path all the same
 */
export function guard(
  allowed: readonly string[],
  {
    anyHost = false,
    originsOf = () => [],
  }: { anyHost?: boolean; originsOf?: (path: string) => readonly string[] } = {},
): MiddlewareHandler {
  const hosts = new Set([
    ...LOOPBACK,
    ...allowed.map((host) => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host)),
  ]);
  const open = anyHost || allowed.includes('0.0.0.0') || allowed.includes('::');
  return async (c, next) => {
    const host = c.req.header('host') ?? new URL(c.req.url).host;
    if (!open && !hosts.has(nameOf(host))) {
      throw new HttpProblem(
        'request.forbidden_host',
        `host "${host}" is not this service; use ${[...hosts].join(' or ')}`,
      );
    }
    const origin = c.req.header('origin');
    if (
      c.req.method !== 'GET' &&
      c.req.method !== 'HEAD' &&
      (origin === undefined || !originsOf(c.req.path).includes(origin))
    ) {
      const foreign = origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host.toLowerCase());
      if (foreign || c.req.header('sec-fetch-site') === 'cross-site') {
        throw new HttpProblem(
          'request.cross_site',
          `a page of "${origin ?? 'another site'}" may not change anything here`,
        );
      }
    }
    await next();
  };
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}
