import { Client, Connection } from '@temporalio/client';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import type { EncryptionKey } from '../core/config.js';
import { MillraceError, messageOf } from '../core/errors.js';
import { dataConverter } from './encryption.js';
import { serverError } from './failures.js';
import { RETRIES } from './retries.js';

const CONNECT_MS = 5000;
/** Where the server has been away for minutes, the client would look for it every two minutes only. */
const RECONNECT = { 'grpc.max_reconnect_backoff_ms': 5000 };
const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_NAMESPACE = 'default';

export interface TemporalSettings {
  /** Options that `Connection.connect` and `NativeConnection.connect` both take. */
  connectionOptions: ClientConnectConfig['connectionOptions'];
  namespace: string;
  /** `host:port`. */
  address: string;
}

export interface TemporalAddress {
  /** `host:port`. */
  address?: string;
  namespace?: string;
}

/**
 * Where the Temporal server is and how to speak to it: `override` over `TEMPORAL_*` over the profile in `temporal.toml`.
 * Keys, certificates and headers belong to the address they were configured with and are not sent to another one.
 * @param env the process environment by default
 * @throws MillraceError `temporal.config` where a profile or a certificate cannot be read
 */
export function connectionSettings(override: TemporalAddress = {}, env?: NodeJS.ProcessEnv): TemporalSettings {
  const configured = readConfigured(env);
  const known = configured.connectionOptions.address;
  const elsewhere = override.address !== undefined && known !== undefined && override.address !== known;
  const address = override.address ?? known ?? DEFAULT_ADDRESS;
  return {
    connectionOptions: elsewhere ? { address } : { ...configured.connectionOptions, address },
    namespace: override.namespace ?? (elsewhere ? undefined : configured.namespace) ?? DEFAULT_NAMESPACE,
    address,
  };
}

/**
 * A connected client; the caller closes the connection.
 * @param keys see `dataConverter`
 * @param interceptors of what starts workflows
 * @throws MillraceError `temporal.unreachable` after 5 s at the latest, `temporal.denied`, `temporal.config`
 */
export async function connectClient(
  override: TemporalAddress = {},
  keys?: readonly EncryptionKey[],
  interceptors: WorkflowClientInterceptor[] = [],
): Promise<{ client: Client; connection: Connection; namespace: string; address: string }> {
  const { connectionOptions, namespace, address } = connectionSettings(override);
  const connection = await connect(connectionOptions, address);
  return {
    client: new Client({
      connection,
      namespace,
      dataConverter: dataConverter(keys),
      interceptors: { workflow: interceptors },
    }),
    connection,
    namespace,
    address,
  };
}

async function connect(options: TemporalSettings['connectionOptions'], address: string): Promise<Connection> {
  try {
    return await Connection.connect({
      ...options,
      connectTimeout: CONNECT_MS,
      channelArgs: RECONNECT,
      interceptors: RETRIES,
    });
  } catch (error) {
    const known = serverError(error);
    if (known instanceof MillraceError && known.code === 'temporal.denied') throw known;
    throw new MillraceError(
      'temporal.unreachable',
      `no Temporal server answers at "${address}" (${messageOf(error)}); start one with "millrace dev", or set TEMPORAL_ADDRESS`,
      { retryable: true, cause: error },
    );
  }
}

function readConfigured(env: NodeJS.ProcessEnv | undefined): ClientConnectConfig {
  try {
    return loadClientConnectConfig(env && { overrideEnvVars: definedIn(env) });
  } catch (error) {
    throw new MillraceError(
      'temporal.config',
      `the Temporal connection settings cannot be read: ${messageOf(error)}; check TEMPORAL_* and temporal.toml`,
      { cause: error },
    );
  }
}

function definedIn(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
