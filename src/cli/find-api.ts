import { readDevAddresses } from '../dev-addresses.js';
import { MillraceError } from '../core/errors.js';
import type { Io } from './io.js';

/**
 * Where the API is: `--api`, `MILLRACE_API`, the `dev` that runs from this home, the configured host and port; in this order.
 * Errors: `usage.api` for an address that is no http(s) URL.
 */
export async function findApi(io: Io, flag?: string): Promise<string> {
  if (flag) return checked(flag, '--api');
  if (io.env.MILLRACE_API) return checked(io.env.MILLRACE_API, 'MILLRACE_API');
  const { loadConfig } = await import('../config.js');
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  const dev = await readDevAddresses(config.home);
  return dev ? dev.api : urlOf(config.host, config.port);
}

function checked(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new MillraceError('usage.api', `Cannot use ${from} "${text}": wanted a URL like http://127.0.0.1:8080`);
  }
  return text.replace(/\/+$/, '');
}

/** The URL by which this machine reaches a server bound to `host`. */
function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
