import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { MillraceError } from '../../core/errors.js';
import { parseTableUri } from '../../core/table-uri.js';
import type { TableLoad, TablePiece } from '../port.js';
import { postgresFault } from './connect.js';
import type { FaultCodes } from './connect.js';
import { identifier, qualified } from './sql.js';

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

/** The table that a sink names. */
export interface Target {
  connection: string;
  /** As a statement names it. */
  name: string;
  /** As a statement names another table of its schema. */
  beside(table: string): string;
}

export function targetOf(uri: string): Target {
  const { connection, table } = parseTableUri(uri);
  if (!table)
    throw new MillraceError('source.bad_uri', `sink "${uri}" names no table; wanted postgres://NAME/schema.table`);
  return { connection, name: qualified(table), beside: (other) => qualified([...table.slice(0, -1), other]) };
}

/** What went wrong at a sink, with a stable code. */
export function sinkFault(error: unknown, uri: string): MillraceError {
  const fault = postgresFault(error, `sink "${uri}"`, SINK_FAULTS);
  if (fault.code !== 'sink.bad_value' || !/0x00/.test(fault.message)) return fault;
  return new MillraceError(fault.code, `${fault.message}; PostgreSQL holds no NUL bytes in text: take them out`, {
    cause: fault,
  });
}

export function taken(uri: string): MillraceError {
  return new MillraceError(
    'sink.exists',
    `sink "${uri}" has rows already; choose another table, or set sink.ifExists to append or replace`,
  );
}

/** Makes the table that a result is to go to, of its types. */
export async function createTable(
  client: Client,
  target: string,
  { columns, upsert }: Pick<TableLoad, 'columns' | 'upsert'>,
): Promise<void> {
  const key = upsert ? `, primary key (${listed(upsert)})` : '';
  const defined = columns.map(({ name, type }) => `${identifier(name)} ${postgresType(type)}`).join(', ');
  await client.query(`create table ${target} (${defined}${key})`);
}

function postgresType(type: string): string {
  const [, digits] = /^DECIMAL(\(\d+,\s*\d+\))$/.exec(type) ?? [];
  if (digits) return `numeric${digits}`;
  return Object.hasOwn(TYPES, type) ? TYPES[type]! : 'text';
}

/** Rows on their way to a table, of this transaction alone. */
export class Staging {
  private readonly names: string[];

  /** @param columns those that are filled */
  constructor(
    private readonly client: Client,
    private readonly target: string,
    columns: TableLoad['columns'],
  ) {
    this.names = columns.map(({ name }) => name);
  }

  async fill(load: Pick<TableLoad, 'pieces' | 'signal' | 'uri'>): Promise<number> {
    const list = listed(this.names);
    await this.client.query(
      `create temp table millrace_staging on commit drop as select ${list} from ${this.target} with no data`,
    );
    return copyInto(this.client, 'pg_temp.millrace_staging', load);
  }

  /** @param upsert the key whose rows are replaced */
  async move(upsert: string[] | undefined): Promise<void> {
    const list = listed(this.names);
    await this.client.query(
      `insert into ${this.target} (${list}) select ${list} from pg_temp.millrace_staging${onConflict(this.names, upsert)}`,
    );
  }
}

function onConflict(names: string[], upsert: string[] | undefined): string {
  if (!upsert) return '';
  const others = names.filter((name) => !upsert.includes(name)).map(identifier);
  const set = others.map((name) => `${name} = excluded.${name}`).join(', ');
  return ` on conflict (${listed(upsert)}) do ${set ? `update set ${set}` : 'nothing'}`;
}

function listed(names: string[]): string {
  return names.map(identifier).join(', ');
}

/** @returns the rows that were loaded */
export async function copyInto(
  client: Client,
  table: string,
  { pieces, signal, uri }: Pick<TableLoad, 'pieces' | 'signal' | 'uri'>,
): Promise<number> {
  const { from } = await import('pg-copy-streams');
  let rows = 0;
  for await (const { columns, records, blocks } of pieces) {
    if (records === 0) continue;
    const copy = client.query(from(`copy ${table} (${listed(columns)}) from stdin (format csv)`));
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
async function* copied(blocks: TablePiece['blocks']): AsyncGenerator<Buffer> {
  for await (const block of blocks) yield Buffer.from(block);
}

export async function exists(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [name]);
  return rows[0]!.there;
}

export async function hasRows(client: Client, target: string): Promise<boolean> {
  if (!(await exists(client, target))) return false;
  const { rows } = await client.query<{ full: boolean }>(`select exists (select from ${target}) as full`);
  return rows[0]!.full;
}

export async function countRows(client: Client, target: string): Promise<number> {
  const { rows } = await client.query<{ n: string }>(`select count(*) as n from ${target}`);
  return Number(rows[0]!.n);
}
