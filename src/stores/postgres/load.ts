import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { MillraceError } from '../../core/errors.js';
import { parseTableUri } from '../../core/table-uri.js';
import type { TableLoad } from '../port.js';
import { close, connectTo, postgresFault, stateOf } from './connect.js';
import type { Connections, FaultCodes } from './connect.js';
import { identifier, qualified } from './sql.js';

/** One row a commit, in the schema of its target: written with the rows, or not at all. */
const LEDGER = 'millrace_commits';
const STAGING = 'pg_temp.millrace_staging';

const SINK_FAULTS: FaultCodes = {
  '22': 'sink.bad_value',
  '23': 'sink.constraint',
  '3F000': 'sink.not_found',
  '42501': 'sink.denied',
  '42': 'sink.refused',
  '0A': 'sink.refused',
};

/** What a column of a new table becomes, by the name that the SQL engine has for its type. */
const TYPES: Record<string, string> = {
  BOOLEAN: 'boolean',
  TINYINT: 'smallint',
  UTINYINT: 'smallint',
  SMALLINT: 'smallint',
  USMALLINT: 'integer',
  INTEGER: 'integer',
  UINTEGER: 'bigint',
  BIGINT: 'bigint',
  UBIGINT: 'numeric',
  HUGEINT: 'numeric',
  UHUGEINT: 'numeric',
  FLOAT: 'real',
  DOUBLE: 'double precision',
  DATE: 'date',
  TIME: 'time',
  TIMESTAMP: 'timestamp',
  'TIMESTAMP WITH TIME ZONE': 'timestamptz',
  INTERVAL: 'interval',
  UUID: 'uuid',
  JSON: 'jsonb',
};

/**
 * The canonical uri of a table that a job may fill.
 * @throws MillraceError `sink.exists` where it has rows and may not; `sink.not_found`, `sink.refused`, `connection.unknown`
 */
export async function resolveTarget(
  connections: Connections,
  uri: string,
  ifExists: 'error' | 'replace',
): Promise<string> {
  const { connection, table } = targetOf(uri);
  if (ifExists === 'replace') return uri;
  const client = await connectTo(connections, connection);
  try {
    if (await hasRows(client, qualified(table))) throw taken(uri);
    return uri;
  } catch (error) {
    throw postgresFault(error, `sink "${uri}"`, SINK_FAULTS);
  } finally {
    await close(client);
  }
}

/** Loads all of a result in one transaction, once for each generation of a job. @returns the rows that are in the table by it */
export async function loadTable(connections: Connections, load: TableLoad): Promise<number> {
  const { uri, signal } = load;
  const { connection, table } = targetOf(uri);
  const target = qualified(table);
  const ledger = qualified([...table.slice(0, -1), LEDGER]);
  const client = await connectTo(connections, connection, signal);
  try {
    await makeLedger(client, ledger);
    const before = await committed(client, ledger, load);
    if (before !== null) return before;
    await client.query('begin');
    const rows = await fill(client, target, ledger, load);
    await oneAfterAnother(client, ledger, load);
    await client.query(`insert into ${ledger} (job, generation, target, rows) values ($1, $2, $3, $4)`, [
      load.job,
      load.generation,
      uri,
      rows,
    ]);
    await client.query('commit');
    return rows;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    // Whatever failed here does not matter where another attempt has come before it.
    const other = await committed(client, ledger, load).catch(() => null);
    if (other !== null) return other;
    if (signal.aborted) throw signal.reason;
    throw hinted(postgresFault(error, `sink "${uri}"`, SINK_FAULTS));
  } finally {
    await close(client);
  }
}

function targetOf(uri: string): { connection: string; table: string[] } {
  const { connection, table } = parseTableUri(uri);
  if (!table)
    throw new MillraceError('source.bad_uri', `sink "${uri}" names no table; wanted postgres://NAME/schema.table`);
  return { connection, table };
}

async function makeLedger(client: Client, ledger: string): Promise<void> {
  await client.query(`set lock_timeout to '60s'`);
  if (await exists(client, ledger)) return;
  try {
    await client.query(
      `create table if not exists ${ledger} (job text, generation int, target text not null, rows bigint not null,
        committed_at timestamptz not null default now(), primary key (job, generation))`,
    );
  } catch (error) {
    // Two that make it at once: one of them is told so.
    if (!['23505', '42P07'].includes(stateOf(error))) throw error;
  }
}

/** Rows of this very commit, where it has been; null where not. @throws MillraceError `sink.superseded` after a later generation */
async function committed(client: Client, ledger: string, { job, generation }: TableLoad): Promise<number | null> {
  const { rows } = await client.query<{ generation: number; rows: string }>(
    `select generation, rows from ${ledger} where job = $1 and generation >= $2 order by generation desc limit 1`,
    [job, generation],
  );
  if (!rows[0]) return null;
  if (rows[0].generation === generation) return Number(rows[0].rows);
  throw new MillraceError('sink.superseded', `a later run of job "${job}" has filled the table already`);
}

/**
 * From here to the commit attempts of a job come one after another, so that a late one sees the run that came after its own.
 * Of the same run the key of the ledger lets only one commit.
 */
async function oneAfterAnother(client: Client, ledger: string, load: TableLoad): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`millrace ${load.job}`]);
  await committed(client, ledger, load);
}

async function fill(client: Client, target: string, ledger: string, load: TableLoad): Promise<number> {
  const { uri, columns, upsert, ifExists } = load;
  const names = columns.map(({ name }) => name);
  const list = names.map(identifier).join(', ');
  if (columns.length === 0) return 0;
  if (!(await exists(client, target))) {
    const key = upsert ? `, primary key (${upsert.map(identifier).join(', ')})` : '';
    const defined = columns.map(({ name, type }) => `${identifier(name)} ${postgresType(type)}`).join(', ');
    await client.query(`create table ${target} (${defined}${key})`);
    if (!upsert) return copyInto(client, target, load);
  }
  const own = await ownRows(client, target, ledger, load);
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
  await client.query(`create temp table millrace_staging on commit drop as select ${list} from ${target} with no data`);
  const rows = await copyInto(client, STAGING, load);
  await oneAfterAnother(client, ledger, load);
  if (!upsert) await client.query(`truncate ${target}`);
  await client.query(`insert into ${target} (${list}) select ${list} from ${STAGING}${onConflict(names, upsert)}`);
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

function onConflict(names: string[], upsert: string[] | undefined): string {
  if (!upsert) return '';
  const others = names.filter((name) => !upsert.includes(name)).map(identifier);
  const set = others.map((name) => `${name} = excluded.${name}`).join(', ');
  return ` on conflict (${upsert.map(identifier).join(', ')}) do ${set ? `update set ${set}` : 'nothing'}`;
}

async function copyInto(client: Client, table: string, { pieces, signal, uri }: TableLoad): Promise<number> {
  const { from } = await import('pg-copy-streams');
  let rows = 0;
  for await (const { columns, records, blocks } of pieces) {
    if (records === 0) continue;
    const list = columns.map(identifier).join(', ');
    const copy = client.query(from(`copy ${table} (${list}) from stdin (format csv)`));
    await pipeline(Readable.from(copied(blocks)), copy, { signal });
    if (copy.rowCount !== records) {
      throw new MillraceError(
        'sink.rows_differ',
        `sink "${uri}" took ${copy.rowCount} rows where ${records} were sent`,
      );
    }
    rows += records;
  }
  return rows;
}

/** A block is good until the next is asked for, and a stream asks ahead. */
async function* copied(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const block of blocks) yield Buffer.from(block);
}

async function exists(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [name]);
  return rows[0]!.there;
}

async function hasRows(client: Client, target: string): Promise<boolean> {
  if (!(await exists(client, target))) return false;
  const { rows } = await client.query<{ full: boolean }>(`select exists (select from ${target}) as full`);
  return rows[0]!.full;
}

async function countRows(client: Client, target: string): Promise<number> {
  const { rows } = await client.query<{ n: string }>(`select count(*) as n from ${target}`);
  return Number(rows[0]!.n);
}

/** How many rows a former run of this job put there, and nobody after it; null where none did. */
async function ownRows(
  client: Client,
  target: string,
  ledger: string,
  { job, uri }: TableLoad,
): Promise<number | null> {
  const { rows } = await client.query<{ job: string; rows: string }>(
    `select job, rows from ${ledger} where target = $1 order by committed_at desc, generation desc limit 1`,
    [uri],
  );
  return rows[0]?.job === job ? Number(rows[0].rows) : null;
}

function postgresType(type: string): string {
  const [, digits] = /^DECIMAL(\(\d+,\s*\d+\))$/.exec(type) ?? [];
  if (digits) return `numeric${digits}`;
  return Object.hasOwn(TYPES, type) ? TYPES[type]! : 'text';
}

function taken(uri: string): MillraceError {
  return new MillraceError(
    'sink.exists',
    `sink "${uri}" has rows already; choose another table, or set sink.ifExists to append or replace`,
  );
}

function hinted(fault: MillraceError): MillraceError {
  if (fault.code !== 'sink.bad_value' || !/0x00/.test(fault.message)) return fault;
  return new MillraceError(fault.code, `${fault.message}; PostgreSQL holds no NUL bytes in text: take them out`, {
    cause: fault,
  });
}
