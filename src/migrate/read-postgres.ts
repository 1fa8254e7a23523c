import { MillraceError, messageOf } from '../core/errors.js';
import { COLUMNS, MODELS, missingColumns, tableOf, type BeatTables, type Row } from './beat-tables.js';
import { invalid, unreadable } from './import-error.js';

const TIMEOUT_MS = 10_000;

/**
 * The tables of django-celery-beat in a PostgreSQL database, under one snapshot that cannot write. They are found along the
 * search path: `?options=-csearch_path%3Dmyschema` sets it. All values come as text.
 * @throws MillraceError `import.unreadable`, `import.invalid`
 */
export async function readPostgres(url: string): Promise<BeatTables> {
  const { default: pg } = await import('pg');
  const label = withoutPassword(url);
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: 6 * TIMEOUT_MS,
    types: { getTypeParser: () => (text: string) => text },
  });
  // A connection that breaks fails the query that waits for it; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('begin isolation level repeatable read read only');
    await client.query(`set local datestyle to 'ISO'; set local timezone to 'UTC'`);
    const { rows } = await client.query<{ table_name: string; column_name: string }>(
      `select c.relname as table_name, a.attname as column_name
         from pg_attribute a join pg_class c on c.oid = a.attrelid
        where pg_table_is_visible(c.oid) and a.attnum > 0 and not a.attisdropped and c.relname = any($1)`,
      [MODELS.map(tableOf)],
    );
    const found = new Map<string, Set<string>>();
    for (const { table_name: table, column_name: column } of rows)
      found.set(table, (found.get(table) ?? new Set()).add(column));
    const missing = missingColumns(found);
    if (missing.length > 0) throw invalid(label, missing);
    const tables = {} as BeatTables;
    for (const model of MODELS) {
      const columns = ['id', ...COLUMNS[model]].map((name) => client.escapeIdentifier(name)).join(', ');
      const table = client.escapeIdentifier(tableOf(model));
      tables[model] = (await client.query<Row>(`select ${columns} from ${table} order by id`)).rows;
    }
    return tables;
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw unreadable(`Cannot read "${label}": ${messageOf(error)}`, error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/[^:@/]*):[^@/]*@/i, '$1@').replace(/([?&]password=)[^&]*/i, '$1');
}
