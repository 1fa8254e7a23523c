import type { Client } from 'pg';
import { MillraceError } from '../../core/errors.js';
import type { Row } from '../../core/records.js';
import { parseTableUri } from '../../core/table-uri.js';
import type { TableColumn, TableRef, TableShape } from '../port.js';
import type { FaultCodes } from './connect.js';
import { identifier, literal, qualified } from './sql.js';
import { isUnboundedNumber, typeOf } from './types.js';

/** What a range aims at, by the server's estimate of the width of rows. */
const RANGE_BYTES = 32 * 1024 * 1024;
const MOST_RANGES = 256;

export const SOURCE_FAULTS: FaultCodes = {
  '42P01': 'source.not_found',
  '3F000': 'source.not_found',
  '42703': 'source.query_failed',
  '42501': 'source.denied',
  '42': 'source.query_failed',
  '22': 'source.query_failed',
  '21': 'source.query_failed',
  '25006': 'source.query_failed',
  '0A': 'source.query_failed',
};

/** A source as the server sees it. */
export interface Looked extends TableShape {
  /** What stands behind FROM. */
  from: string;
  /** What is asked for of each row. */
  select: string;
  /** The type of each key column, as the server writes it. */
  keyTypes: string[];
  /** Blocks of the table; null where it is a query or a view. */
  blocks: number | null;
}

export function labelOf({ uri, query }: TableRef): string {
  return query === undefined ? uri : `${uri} (query)`;
}

/** Columns, estimated size and the way in which a source can be split. Reads no row. */
export async function look(client: Client, ref: TableRef): Promise<Looked> {
  const { table } = parseTableUri(ref.uri);
  const label = labelOf(ref);
  const from = ref.query === undefined ? qualified(table!) : `(\n${ref.query}\n) millrace_source`;
  // With values it is a prepared statement, which is one statement and no more.
  const head = await client.query({ text: `select * from ${from} limit 0 offset $1`, values: [0] });
  const { rows: types } = await client.query<{ oid: number; category: string; name: string }>(
    `select oid::int8::text::int as oid, typcategory as category, format_type(oid, -1) as name from pg_type where oid = any($1)`,
    [head.fields.map((field) => field.dataTypeID)],
  );
  const byOid = new Map(types.map((type) => [type.oid, type]));
  const columns: TableColumn[] = [];
  const selected: string[] = [];
  const warnings: string[] = [];
  for (const { name, dataTypeID: oid, dataTypeModifier: modifier } of head.fields) {
    if (columns.some((column) => column.name === name)) {
      throw new MillraceError(
        'source.query_failed',
        `source "${label}" has two columns named "${name}"; give one of them another name with AS`,
      );
    }
    const { type, stored, select } = typeOf(oid, modifier, byOid.get(oid)?.category === 'A');
    columns.push({ name, type, stored });
    selected.push(`${select(identifier(name))} as ${identifier(name)}`);
    if (isUnboundedNumber(oid, modifier)) {
      warnings.push(
        `column "${name}" of ${label} is numeric without bounds: its numbers come as text, digit for digit; cast it in SQL or in source.query`,
      );
    }
  }
  if (columns.length === 0) throw new MillraceError('source.query_failed', `source "${label}" has no columns`);

  const select = selected.join(', ');
  const { records, width } = await estimate(client, `select ${select} from ${from}`);
  const bytes = records * width;
  const known = ref.query === undefined ? await tableFacts(client, from) : { key: [], blocks: null };
  const key = ref.key ?? known.key;
  for (const name of key) {
    if (columns.every((column) => column.name !== name))
      throw new MillraceError('source.unknown_key', `source.key names "${name}", and "${label}" has no such column`);
  }
  const keyTypes = key.map((name) => {
    const { dataTypeID } = head.fields.find((field) => field.name === name)!;
    return byOid.get(dataTypeID)!.name;
  });
  const wanted = Math.min(MOST_RANGES, Math.max(1, Math.ceil(bytes / RANGE_BYTES)));
  const split = key.length > 0 ? 'key' : known.blocks === null ? 'none' : 'blocks';
  const ranges = split === 'none' ? 1 : wanted;
  if (split === 'none' && wanted > 1) {
    warnings.push(`${label} has no key: it is copied by one connection; name a column in source.key to split it`);
  }
  return { label, columns, records, bytes, key, split, ranges, warnings, from, select, keyTypes, blocks: known.blocks };
}

/** The first rows, as a job would see them. Empty where the server takes too long for them. */
export async function firstRows(client: Client, looked: Looked, count: number): Promise<Row[]> {
  await client.query(`set statement_timeout to '5s'`);
  try {
    const { rows } = await client.query<(string | null)[]>({
      text: `select ${looked.select} from ${looked.from} limit $1`,
      values: [count],
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    });
    return rows.map((cells) =>
      Object.fromEntries(looked.columns.map((column, i) => [column.name, valueOf(column, cells[i]!)])),
    );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '57014') return [];
    throw error;
  }
}

function valueOf({ type }: TableColumn, text: string | null): unknown {
  if (text === null) return null;
  if (type === 'bool') return text === 't';
  if (type === 'int' && Number.isSafeInteger(Number(text))) return Number(text);
  return type === 'float' ? Number(text) : text;
}

/** By the server's planner, which knows tables, views and queries alike. */
async function estimate(client: Client, sql: string): Promise<{ records: number; width: number }> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number; 'Plan Width': number } }] }>(
    `explain (format json) ${sql}`,
  );
  const { 'Plan Rows': records, 'Plan Width': width } = rows[0]!['QUERY PLAN'][0].Plan;
  return { records, width: Math.max(1, width) };
}

/** Its primary key, and its blocks where it is a table of its own. */
async function tableFacts(client: Client, name: string): Promise<{ key: string[]; blocks: number | null }> {
  const { rows } = await client.query<{ key: string[] | null; blocks: number | null }>(
    `select case when relkind = 'r' then (pg_relation_size(c.oid) / current_setting('block_size')::int)::int end as blocks,
            (select array_agg(a.attname::text order by array_position(i.indkey::int2[], a.attnum))
               from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
              where i.indrelid = c.oid and i.indisprimary) as key
       from pg_class c where c.oid = ${literal(name)}::regclass`,
  );
  return { key: rows[0]?.key ?? [], blocks: rows[0]?.blocks ?? null };
}
