import type { Client } from 'pg';
import { MillraceError } from '../../core/errors.js';
import type { TableLoad } from '../port.js';
import { close, connectTo } from './connect.js';
import type { Connections } from './connect.js';
import { Ledger } from './ledger.js';
import { Staging, copyInto, countRows, createTable, exists, hasRows, sinkFault, taken, targetOf } from './target.js';

/**
 * The canonical uri of a table that a job may fill.
 * @throws MillraceError `sink.exists` where it has rows and may not; `sink.not_found`, `sink.refused`, `connection.unknown`
 */
export async function resolveTarget(
  connections: Connections,
  uri: string,
  ifExists: 'error' | 'replace',
): Promise<string> {
  const { connection, name } = targetOf(uri);
  if (ifExists === 'replace') return uri;
  const client = await connectTo(connections, connection);
  try {
    if (await hasRows(client, name)) throw taken(uri);
    return uri;
  } catch (error) {
    throw sinkFault(error, uri);
  } finally {
    await close(client);
  }
}

/** Loads all of a result in one transaction, once for each generation of a job. @returns the rows that are in the table by it */
export async function loadTable(connections: Connections, load: TableLoad): Promise<number> {
  const { uri, signal } = load;
  const target = targetOf(uri);
  const client = await connectTo(connections, target.connection, signal);
  const ledger = new Ledger(client, target);
  try {
    await ledger.make();
    const before = await ledger.committed(load);
    if (before !== null) return before;
    await client.query('begin');
    const rows = await fill(client, target.name, ledger, load);
    await ledger.oneAfterAnother(load);
    await ledger.add(load, rows);
    await client.query('commit');
    return rows;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    // Whatever failed here does not matter where another attempt has come before it.
    const other = await ledger.committed(load).catch(() => null);
    if (other !== null) return other;
    if (signal.aborted) throw signal.reason;
    throw sinkFault(error, uri);
  } finally {
    await close(client);
  }
}

async function fill(client: Client, target: string, ledger: Ledger, load: TableLoad): Promise<number> {
  const { uri, columns, upsert, ifExists } = load;
  if (columns.length === 0) return 0;
  if (!(await exists(client, target))) {
    await createTable(client, target, load);
    if (!upsert) return copyInto(client, target, load);
  }
  const own = await ledger.ownRows(load);
  if (own !== null && ifExists === 'append' && !upsert) {
    throw new MillraceError(
      'sink.appended',
      `sink "${uri}" has the rows of a former run of this job, and no key tells them from others; set sink.upsert, or start a new job with what was rejected`,
    );
  }
  const full = ifExists === 'error' && !upsert && (await hasRows(client, target));
  if (full && own !== (await countRows(client, target))) throw taken(uri);
  const direct = !upsert && !full && (ifExists !== 'replace' || (await isOurs(client, target)));
  if (direct) return copyInto(client, target, load);

  // The lock on what others read is short: they see the former rows until the new ones are here.
  const staging = new Staging(client, target, columns);
  const rows = await staging.fill(load);
  await ledger.oneAfterAnother(load);
  if (!upsert) await client.query(`truncate ${target}`);
  await staging.move(upsert);
  return rows;
}

/**
 * Whether a table is empty and nobody else will fill it before we have: then its rows need no staging. A table with rows is let
 * go of, because it is to be read and written by others until its rows are replaced.
 */
async function isOurs(client: Client, target: string): Promise<boolean> {
  await client.query('savepoint looked');
  await client.query(`lock table ${target} in share row exclusive mode`);
  if (!(await hasRows(client, target))) return true;
  await client.query('rollback to savepoint looked');
  return false;
}
