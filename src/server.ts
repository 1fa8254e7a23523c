/** Entry point of the API process: connects, wires, listens until it is told to stop. */
import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { createAudit } from './access/audit.js';
import { createGatekeeper } from './access/gatekeeper.js';
import { createApp } from './api/app.js';
import { isLoopback } from './core/config.js';
import type { Config } from './core/config.js';
import { MillraceError } from './core/errors.js';
import { kept } from './core/kept.js';
import { maskOf } from './core/secrets.js';
import { createLog } from './log.js';
import { createStores } from './stores/stores.js';
import { checkWorkArea, openWorkArea } from './stores/open-work-area.js';
import { connectClient } from './temporal/connect.js';
import { encryptionCodec } from './temporal/encryption.js';
import { createJobs } from './temporal/jobs.js';
import { queueStandings } from './temporal/queues.js';
import { createSchedules } from './temporal/schedules.js';
import { version } from './version.js';

/** Who sends a request slower than this, to hold the connection, is sent away. */
const PATIENCE = { headersTimeout: 15_000, requestTimeout: 25_000, connectionsCheckingInterval: 5000 };
/** Requests that are still open at a stop get this long. */
const DRAIN_MS = 5000;

export interface RunningServer {
  url: string;
  /** Takes no new requests, lets the open ones end, closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts the API on `config.host` and `config.port`.
 * @throws MillraceError `api.port_in_use`, `config.insecure`, `config.invalid`, `access.bad_tokens`, `temporal.unreachable`,
 * `work.unusable`
 */
export async function startServer(config: Config): Promise<RunningServer> {
  const mask = maskOf(config.secrets);
  const log = createLog(config.log, mask);
  const logError = (line: string) => log.error(line);
  checkHost(config);
  await checkWorkArea(config);
  const work = await openWorkArea(config);
  const files = createStores(config, process.cwd(), work);
  const gatekeeper = config.access && (await createGatekeeper(config.access));
  const audit = config.audit === undefined ? undefined : await createAudit(config.audit, logError);
  const tracing = config.tracing ? await import('./tracing/index.js') : undefined;
  const traced = tracing?.startTracing('millrace-api', version());
  const { client, connection, namespace } = await connectClient(
    config.temporal,
    config.encryptionKeys,
    tracing && [tracing.tracedClient],
  );
  try {
    const { taskQueue } = config;
    const { uiUrl } = config.temporal;
    const closing = new AbortController();
    // As many listen as streams are open.
    setMaxListeners(0, closing.signal);
    const app = createApp({
      ofTenant: kept((tenant) => ({
        jobs: createJobs({ client, taskQueue, namespace, work, uiUrl, tenant }),
        schedules: createSchedules({ client, taskQueue, namespace, uiUrl, tenant }),
      })),
      queues: () => queueStandings(client, namespace, taskQueue),
      gatekeeper,
      audit,
      codec: config.encryptionKeys && encryptionCodec(config.encryptionKeys),
      uiOrigin: uiUrl === undefined ? undefined : new URL(uiUrl).origin,
      rateLimit: config.rateLimit,
      streams: config.streams,
      cors: config.cors,
      sources: files,
      sinks: files,
      work,
      taskQueue,
      version: version(),
      hosts: [config.host],
      closing: closing.signal,
      mask,
      log: logError,
      traced: tracing?.tracedRequests(),
      requested: (request) => log.info(request, 'request'),
    });
    const { server, port } = await listen(app.fetch, config);
    return {
      url: `http://${shownHost(config.host)}:${port}`,
      async stop() {
        closing.abort();
        await closed(server);
        await connection.close();
        await traced?.stop();
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Where nobody is asked who they are, only this machine may ask, unless that was switched off by name. */
function checkHost({ host, insecure, access }: Config): void {
  if (access) return;
  const others = isLoopback(host) ? 'every user and every program of this machine' : 'everybody who reaches it';
  if (!isLoopback(host) && !insecure) {
    throw new MillraceError(
      'config.insecure',
      `MILLRACE_HOST "${host}" is reachable from other machines and nobody is asked who they are; ` +
        'set MILLRACE_TOKENS or MILLRACE_OIDC_ISSUER, listen on 127.0.0.1, or set MILLRACE_INSECURE=1',
    );
  }
  process.stderr.write(
    `WARNING: listening on ${host} without authentication: ${others} can read and write under MILLRACE_ROOTS\n`,
  );
}

function listen(
  fetch: Parameters<typeof serve>[0]['fetch'],
  { host, port }: Config,
): Promise<{ server: Server; port: number }> {
  return new Promise((resolve, reject) => {
    const options = { fetch, hostname: host, port, serverOptions: PATIENCE };
    const server = serve(options, (info) => resolve({ server, port: info.port })) as Server;
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES' && error.code !== 'EADDRNOTAVAIL')
        return reject(error);
      const reasons = {
        EADDRINUSE: [
          'api.port_in_use',
          `port ${port} of ${host} is taken; stop what uses it, or set MILLRACE_PORT (0 takes a free one)`,
        ],
        EACCES: ['api.port_denied', `port ${port} may not be opened by this user; set MILLRACE_PORT to one above 1023`],
        EADDRNOTAVAIL: ['api.no_such_host', `address "${host}" is not one of this machine; set MILLRACE_HOST`],
      } as const;
      const [code, message] = reasons[error.code];
      reject(new MillraceError(code, message, { cause: error }));
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function shownHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
