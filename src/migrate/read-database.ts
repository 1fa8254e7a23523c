import { readFile, stat } from 'node:fs/promises';
import { MillraceError, messageOf } from '../core/errors.js';
import { readTables } from './beat-tables.js';
import type { BeatTables, Row } from './beat-tables.js';

const POSTGRES = /^postgres(ql)?:\/\//;
const SQLITE = /^sqlite:(\/\/\/)?/;
const OTHER = /^[a-z][a-z0-9+]*:\/\//i;
const CONNECT_MS = 10_000;
const SQLITE_MAGIC = 'SQLite format 3\0';

/**
 * The tables of django-celery-beat in a database: `postgres://…`, or a SQLite file by its path or `sqlite:///…`. Only reads.
 * @throws MillraceError `import.unreadable`, `import.invalid`
 */
export async function readDatabase(url: string): Promise<BeatTables> {
  if (POSTGRES.test(url)) return readPostgres(url);
  if (!SQLITE.test(url) && OTHER.test(url)) {
    throw unreadable(
      `a database of the kind "${url.split(':')[0]}" cannot be read; write it to a file with "python manage.py dumpdata django_celery_beat > beat.json" and give --file beat.json`,
    );
  }
  // Three slashes before a relative path, four with that of an absolute one.
  return readSqlite(url.replace(SQLITE, ''));
}

async function readPostgres(url: string): Promise<BeatTables> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'millrace import',
  });
  // What the server says after the connection was lost is told by the query that waits.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('begin transaction isolation level repeatable read read only');
    return await readTables(
      async (table) => {
        const { rows } = await client.query<{ attname: string }>(
          'select attname from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped',
          [table],
        );
        return rows.map(({ attname }) => attname);
      },
      async (table, columns) => {
        const names = columns.map((column) => `"${column}"`).join(', ');
        return (await client.query<Row>(`select ${names} from "${table}" order by id`)).rows;
      },
    );
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    // The URL may hold a password.
    throw unreadable(`the database "${url.replace(/\/\/[^@/]*@/, '//…@')}" cannot be read: ${messageOf(error)}`, error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function readSqlite(path: string): Promise<BeatTables> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw unreadable(`the database "${path}" cannot be read: ${messageOf(error)}`, error);
  });
  if (bytes.toString('latin1', 0, SQLITE_MAGIC.length) !== SQLITE_MAGIC) {
    throw unreadable(`"${path}" is no SQLite database; give --file for a JSON file`);
  }
  const log = await stat(`${path}-wal`).catch(() => null);
  if (log && log.size > 0) {
    throw unreadable(
      `"${path}" has changes beside it that are not in it yet; stop what writes to it, or run: sqlite3 "${path}" "pragma wal_checkpoint(truncate)"`,
    );
  }
  const { default: initSqlJs } = await import('sql.js');
  const { Database } = await initSqlJs();
  const database = new Database(bytes);
  const all = (sql: string): Row[] => {
    const statement = database.prepare(sql);
    const rows: Row[] = [];
    while (statement.step()) rows.push(statement.getAsObject());
    statement.free();
    return rows;
  };
  try {
    return await readTables(
      async (table) => all(`select name from pragma_table_info('${table}')`).map(({ name }) => String(name)),
      async (table, columns) =>
        all(`select ${columns.map((column) => `"${column}"`).join(', ')} from "${table}" order by id`),
    );
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw unreadable(`the database "${path}" is damaged: ${messageOf(error)}`, error);
  } finally {
    database.close();
  }
}

export function unreadable(message: string, cause?: unknown): MillraceError {
  return new MillraceError('import.unreadable', message, { cause });
}
