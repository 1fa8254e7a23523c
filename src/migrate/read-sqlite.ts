import { readFile, stat } from 'node:fs/promises';
import { MillraceError, messageOf } from '../core/errors.js';
import { COLUMNS, MODELS, missingColumns, tableOf, type BeatTables } from './beat-tables.js';
import { invalid, unreadable } from './import-error.js';

const MAGIC = 'SQLite format 3\0';

/** Whether a file is a database of SQLite, by its first bytes. */
export function isSqlite(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1') === MAGIC;
}

/**
 * The tables of django-celery-beat in a file of SQLite, which is read whole and never opened for writing.
 * @throws MillraceError `import.unreadable` (also where a write-ahead log has what the file has not), `import.invalid`
 */
export async function readSqlite(path: string): Promise<BeatTables> {
  const log = await stat(`${path}-wal`).catch(() => null);
  if (log && log.size > 0) {
    throw unreadable(
      `Cannot read "${path}" alone: "${path}-wal" has ${log.size} bytes that are not in it yet; ` +
        `stop what writes to it and run: sqlite3 "${path}" "PRAGMA wal_checkpoint(TRUNCATE)"`,
    );
  }
  const { default: initSqlJs } = await import('sql.js');
  const database = new (await initSqlJs()).Database(await readFile(path));
  try {
    const found = new Map<string, Set<string>>();
    for (const table of MODELS.map(tableOf)) {
      const [answer] = database.exec('select name from pragma_table_info(?)', [table]);
      if (answer) found.set(table, new Set(answer.values.map(([name]) => String(name))));
    }
    const missing = missingColumns(found);
    if (missing.length > 0) throw invalid(`"${path}"`, missing);
    const tables = {} as BeatTables;
    for (const model of MODELS) {
      const columns = ['id', ...COLUMNS[model]].map((name) => `"${name}"`).join(', ');
      const statement = database.prepare(`select ${columns} from "${tableOf(model)}" order by id`);
      tables[model] = [];
      while (statement.step()) tables[model].push(statement.getAsObject());
      statement.free();
    }
    return tables;
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw unreadable(`Cannot read "${path}" as a database of SQLite: ${messageOf(error)}`, error);
  } finally {
    database.close();
  }
}
