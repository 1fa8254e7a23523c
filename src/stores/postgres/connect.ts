import type { Client } from 'pg';
import { MillraceError, messageOf } from '../../core/errors.js';

const TIMEOUT_MS = 10_000;
/** The same values are the same text, whatever a database or a role is set to; and nobody ends what takes long but us. */
const SESSION = `set datestyle to 'ISO, YMD'; set timezone to 'UTC'; set intervalstyle to 'postgres';
  set bytea_output to 'hex'; set extra_float_digits to 1; set statement_timeout to 0;
  set idle_in_transaction_session_timeout to 0`;

/** Named connections: name in lower case to URL. */
export type Connections = Readonly<Record<string, string>>;

/**
 * A connection of a name that the settings know.
 * @param signal closes it, whatever it does
 * @throws MillraceError `connection.unknown`, `postgres.unreachable` (retryable), `postgres.denied`
 */
export async function connectTo(connections: Connections, name: string, signal?: AbortSignal): Promise<Client> {
  const url = Object.hasOwn(connections, name) ? connections[name] : undefined;
  if (url === undefined) {
    throw new MillraceError(
      'connection.unknown',
      `connection "${name}" is not known here; set MILLRACE_POSTGRES_${name.toUpperCase()}=postgres://user:password@host/database for the API and the workers`,
    );
  }
  signal?.throwIfAborted();
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: TIMEOUT_MS,
    application_name: 'millrace',
    keepAlive: true,
  });
  // A connection that breaks fails what waits for it; without a listener it would end the process.
  client.on('error', () => undefined);
  // Its socket and not a polite end, which would wait for the query.
  const abort = () => client.connection.stream.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await client.connect();
    await client.query(SESSION);
    return client;
  } catch (error) {
    await close(client);
    throw postgresFault(error, `connection "${name}"`);
  }
}

export async function close(client: Client): Promise<void> {
  await client.end().catch(() => undefined);
}

/** `codes`: by SQLSTATE or its class, what it is to the caller. */
export type FaultCodes = Readonly<Record<string, string>>;

/**
 * What a server or the way to it said, with a stable code. The text is the server's, which never has a password.
 * @param what the subject of the sentence
 */
export function postgresFault(error: unknown, what: string, codes: FaultCodes = {}): MillraceError {
  if (error instanceof MillraceError) return error;
  const state = stateOf(error);
  const where = error instanceof Error && 'where' in error && typeof error.where === 'string' ? error.where : '';
  const text = `${what}: ${messageOf(error) || 'no answer'}${where ? ` (${where.split('\n')[0]})` : ''}`;
  const known = codes[state] ?? codes[state.slice(0, 2)];
  if (known) return new MillraceError(known, text, { cause: error });
  if (/^(28|3D|42501)/.test(state)) {
    const mend = '; mend the setting of the connection or what its role may do';
    return new MillraceError('postgres.denied', text + mend, { cause: error });
  }
  // Of a server that is away, shuts down, is full or ended our connection another try may be better.
  const away = state === '' || !/^[0-9A-Z]{5}$/.test(state) || /^(08|53|57|40|55P03|58)/.test(state);
  return new MillraceError(away ? 'postgres.unreachable' : 'postgres.failed', text, { retryable: away, cause: error });
}

/** The SQLSTATE; empty where the server has not spoken. */
export function stateOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
