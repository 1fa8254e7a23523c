import { open } from 'node:fs/promises';
import type { Column, ColumnType } from '../../core/records.js';
import { MAX_RECORD_BYTES } from '../../core/spec.js';
import type { SqlTable } from '../engine.js';
import { identifier, literal, literalList } from './quote.js';

/**
 * The type that a column has in SQL. `timestamp` has no zone: DuckDB takes the wall clock as written and drops an offset,
 * so a column with offsets is declared `string` and cast to TIMESTAMPTZ in the query.
 */
const SQL_TYPES: Record<ColumnType, string> = {
  int: 'BIGINT',
  float: 'DOUBLE',
  bool: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  string: 'VARCHAR',
  json: 'JSON',
};

/** The query behind the view `chunk`. */
export async function tableSource(table: SqlTable): Promise<string> {
  switch (table.kind) {
    case 'csv':
      return csvSource(table, table.newline ?? (await firstLineEnd(table.path)));
    case 'ndjson':
      return `from read_json(${literal(table.path)}, format = 'newline_delimited', auto_detect = false,
        columns = ${columnTypes(table.columns)}, maximum_object_size = ${MAX_RECORD_BYTES})`;
    case 'parquet':
      return parquetSource(table);
  }
}

const BUFFER_BYTES = 32 * 1024 * 1024;

/** DuckDB wants at least one null string; this one is no character of any text. */
const NEVER = '\uFFFF\uFFFF';

function csvSource(table: Extract<SqlTable, { kind: 'csv' }>, newline: 'lf' | 'auto'): string {
  const options = [
    'auto_detect = false',
    'header = false',
    `columns = ${columnTypes(table.columns)}`,
    `delim = ${literal(table.delimiter)}`,
    `quote = ${literal(table.quote)}`,
    `escape = ${literal(table.quote)}`,
    `nullstr = ${literalList(table.nullValues.length > 0 ? table.nullValues : [NEVER])}`,
    'allow_quoted_nulls = false',
    'strict_mode = true',
    'store_rejects = true',
    // Whether there are any is all that is asked.
    'rejects_limit = 1000',
    `max_line_size = ${MAX_RECORD_BYTES}`,
    // Of two at a time; by default sixteen of the longest lines, which is more than a thread may have.
    `buffer_size = ${BUFFER_BYTES}`,
  ];
  // Without it a carriage return within quotes makes strict DuckDB refuse the file.
  if (newline === 'lf') options.push(`new_line = '\\n'`);
  return `from read_csv(${literal(table.path)}, ${options.join(', ')})`;
}

/** `file_row_number` prunes row groups, so a chunk costs what its own row groups cost. The view hides it again. */
function parquetSource(table: Extract<SqlTable, { kind: 'parquet' }>): string {
  const files = literalList(table.paths);
  if (table.firstRow === undefined || table.endRow === undefined)
    return `from read_parquet(${files}, hive_partitioning = false)`;
  return `select * exclude (file_row_number) from read_parquet(${files}, hive_partitioning = false, file_row_number = true)
    where file_row_number between ${table.firstRow} and ${table.endRow - 1}`;
}

/** The query behind a view of the same columns without any row. */
export function emptySource(columns: readonly Column[]): string {
  return `select ${columns.map(({ name, type }) => `null::${SQL_TYPES[type]} as ${identifier(name)}`).join(', ')} where false`;
}

function columnTypes(columns: readonly Column[]): string {
  return `{${columns.map(({ name, type }) => `${literal(name)}: ${literal(SQL_TYPES[type])}`).join(', ')}}`;
}

const HEAD_BYTES = 64 * 1024;

/** A guess that may fail: then the slice is refused as a whole and comes back normalised. */
async function firstLineEnd(path: string): Promise<'lf' | 'auto'> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const lf = buffer.subarray(0, bytesRead).indexOf(0x0a);
    return lf > 0 && buffer[lf - 1] === 0x0d ? 'auto' : 'lf';
  } finally {
    await file.close();
  }
}
