/** Everything in one process group: a Temporal server where none is named, the API in this process, a worker as a child. */
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apiClient } from './cli/api-client.js';
import type { Config } from './core/config.js';
import { MillraceError } from './core/errors.js';
import { devFile, isAlive, readDevAddresses, type DevAddresses } from './dev-addresses.js';
import { portNear } from './port-near.js';
import { startWorkerChild } from './worker-child.js';

export interface DevServices {
  /** The settings with the addresses that came to be. */
  config: Config;
  addresses: DevAddresses;
  /** File that holds what the worker prints. */
  logs: string;
  /** Ends everything that was started, in order, and removes `dev.json`. */
  stop(): Promise<void>;
}

export interface DevOptions {
  env: Record<string, string | undefined>;
  /** Told what is done, a line at a time. */
  say(text: string): void;
  /** The home whose cache holds the Temporal CLI; default: that of the settings. */
  cacheHome?: string;
}

const TEMPORAL = { host: '127.0.0.1', port: 7233, uiPort: 8233, namespace: 'default' };
const STARTING_MS = 60_000;

/**
 * Starts what is missing and answers when a job can be run.
 * Errors: `dev.running` where one runs from this home; `temporal.*` where no server is reachable or can be brought;
 * those of the worker's start.
 */
export async function startDev(config: Config, options: DevOptions): Promise<DevServices> {
  const { env, say } = options;
  await mkdir(config.home, { recursive: true });
  await claimHome(config.home);
  const undo: Array<() => Promise<unknown>> = [() => rm(devFile(config.home), { force: true })];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const logs = join(config.home, 'worker.log');
    const worker = startWorkerChild({ env, logFile: logs, say });
    // Loads while Temporal starts; a failure is seen where it is awaited.
    const serverModule = import('./server.js');
    serverModule.catch(() => undefined);

    // Registered in the order of their ends: worker and API first, then the server that they talk to.
    const temporal = await bringTemporal(config, options).catch(async (error: unknown) => {
      await worker.stop();
      throw error;
    });
    undo.push(temporal.stop, () => worker.stop());

    const port = await portNear(config.port, config.host);
    if (config.port !== 0 && port !== config.port) say(`Port ${config.port} is taken; the API listens on ${port}`);
    const settings: Config = {
      ...config,
      port,
      temporal: {
        address: temporal.address,
        namespace: temporal.namespace,
        ...(temporal.ui ? { uiUrl: temporal.ui } : {}),
      },
    };
    say('Starting API and worker');
    const working = worker.begin(settings);
    working.catch(() => undefined);
    const { startServer } = await serverModule;
    // The worker registers what the namespace needs, so the API is of use only after it.
    await working;
    const api = await startServer(settings);
    undo.push(() => api.stop());

    const addresses: DevAddresses = {
      pid: process.pid,
      temporal: temporal.address,
      namespace: temporal.namespace,
      ui: temporal.ui,
      api: api.url.replace(/\/+$/, ''),
      startedAt: new Date().toISOString(),
    };
    await writeWhole(devFile(config.home), `${JSON.stringify(addresses, null, 2)}\n`);
    return { config: settings, addresses, logs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Temporal {
  address: string;
  namespace: string;
  ui: string | null;
  stop(): Promise<void>;
}

async function bringTemporal(config: Config, { env, say, cacheHome = config.home }: DevOptions): Promise<Temporal> {
  // A server that was named is used or missed; another one in its place would hide the mistake.
  if (config.temporal.address || env.TEMPORAL_PROFILE || env.TEMPORAL_CONFIG_FILE) {
    const { connectClient } = await import('./temporal/connect.js');
    const { connection, namespace, address } = await connectClient(config.temporal);
    await connection.close();
    say(`Using the Temporal server at ${address}`);
    return { address, namespace, ui: config.temporal.uiUrl ?? null, stop: async () => undefined };
  }
  const [{ findOrBringCli }, { startDevServer }] = await Promise.all([
    import('./temporal/find-cli.js'),
    import('./temporal/dev-server.js'),
  ]);
  const cli = await findOrBringCli({ home: cacheHome, env, say });
  const port = await portNear(TEMPORAL.port, TEMPORAL.host);
  const uiPort = await portNear(TEMPORAL.uiPort, TEMPORAL.host);
  if (port !== TEMPORAL.port) say(`Port ${TEMPORAL.port} is taken; the Temporal server listens on ${port}`);
  say('Starting the Temporal server');
  const server = await startDevServer({
    cli: cli.path,
    dbFile: join(config.home, 'temporal.db'),
    port,
    uiPort,
    logFile: join(config.home, 'temporal.log'),
  });
  return {
    address: server.address,
    namespace: TEMPORAL.namespace,
    ui: server.uiUrl ?? null,
    stop: () => server.stop(),
  };
}

/** Takes the home for this process, so that two never share one database. What a dead `dev` left is removed. */
async function claimHome(home: string): Promise<void> {
  const file = devFile(home);
  for (let attempt = 0; ; attempt += 1) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString() }));
      await handle.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 2) throw error;
    }
    const running = await runningFrom(home);
    if (running) {
      throw new MillraceError(
        'dev.running',
        `Millrace dev already runs from "${home}": ${running}; stop it first, or set MILLRACE_HOME to another folder`,
      );
    }
    await rm(file, { force: true });
  }
}

/** What runs from this home, in words; null where the file is only what a dead process left. */
async function runningFrom(home: string): Promise<string | null> {
  const addresses = await readDevAddresses(home);
  if (addresses) {
    const answers = await apiClient(addresses.api).health();
    return answers ? `pid ${addresses.pid}, API ${addresses.api}` : null;
  }
  const claim = await readClaim(home);
  const fresh = claim !== null && Date.now() - Date.parse(claim.startedAt) < STARTING_MS;
  return fresh && isAlive(claim.pid) ? `pid ${claim.pid}, still starting` : null;
}

async function readClaim(home: string): Promise<{ pid: number; startedAt: string } | null> {
  try {
    return JSON.parse(await readFile(devFile(home), 'utf8')) as { pid: number; startedAt: string };
  } catch {
    return null;
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
