import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../../core/config.js';
import { MillraceError } from '../../core/errors.js';
import { readDevAddresses } from '../../dev-addresses.js';
import { apiClient, type ApiClient } from '../api-client.js';
import type { Io } from '../io.js';
import { packageRoot } from '../package-root.js';
import { csvSpec } from './specs.js';

export interface DemoServices {
  client: ApiClient;
  /** Temporal Web UI, where known. */
  ui: string | null;
  /** Folder of the demo's files. */
  out: string;
  /** True where a running `dev` is used, which stays up whatever the demo does. */
  borrowed: boolean;
  stop(): Promise<void>;
}

/** A queue of its own, so that a worker with another work area on the same server never takes the demo's tasks. */
const DEMO_QUEUE = 'millrace-demo';

/** The services of the `dev` that runs from this home where they can do the demo's jobs; else ones of the demo's own. */
export async function demoServices(
  config: Config,
  flights: string,
  io: Io,
  say: (text: string) => void,
): Promise<DemoServices> {
  const home = join(config.home, 'demo');
  const out = join(home, 'out');
  await mkdir(out, { recursive: true });
  const dev = await readDevAddresses(config.home);
  if (dev) {
    const client = apiClient(dev.api);
    const reason = await whyUnfit(client, flights, out);
    if (reason === null) {
      say(`Using the services that "millrace dev" runs at ${dev.api}`);
      return { client, ui: dev.ui, out, borrowed: true, stop: async () => undefined };
    }
    say(`The running "millrace dev" cannot do the demo (${reason}); starting services of its own`);
  }
  const { startDev } = await import('../../dev.js');
  const own: Config = {
    ...config,
    home,
    work: join(home, 'work'),
    roots: [home, dirname(flights)],
    processors: [join(packageRoot(), 'examples', 'flight-times')],
    taskQueue: DEMO_QUEUE,
  };
  const services = await startDev(own, { env: io.env, say, cacheHome: config.home });
  const { api, ui } = services.addresses;
  return { client: apiClient(api), ui, out, borrowed: false, stop: () => services.stop() };
}

async function whyUnfit(client: ApiClient, flights: string, out: string): Promise<string | null> {
  try {
    const processors = await client.processors();
    if (!processors.some(({ name }) => name === 'flight-times')) return 'it has no processor "flight-times"';
    await client.plan(csvSpec(flights, out));
    return null;
  } catch (error) {
    if (error instanceof MillraceError) return error.code;
    throw error;
  }
}
