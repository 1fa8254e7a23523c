import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError, messageOf, type Issue } from '../core/errors.js';
import type { BeatEntry } from './beat-entry.js';
import { entriesOfSettings } from './entries-of-settings.js';
import { entriesOfTables } from './entries-of-tables.js';
import { invalid, unreadable } from './import-error.js';
import { tablesOfDump } from './read-dump.js';
import { readPostgres } from './read-postgres.js';
import { isSqlite, readSqlite } from './read-sqlite.js';
import { isObject } from './row-reader.js';

const WRAPPERS = ['beat_schedule', 'CELERY_BEAT_SCHEDULE', 'CELERYBEAT_SCHEDULE'];
const SUGGESTION =
  'wanted postgres://user@host/database, or the file of an SQLite database; of any other: ' +
  '"manage.py dumpdata django_celery_beat > beat.json" and --file beat.json';

export interface BeatSource {
  /** A URL of PostgreSQL, or the path or `sqlite:///` URL of a file. */
  database?: string;
  /** An SQLite database, what `dumpdata` wrote, or a `beat_schedule` as JSON. */
  file?: string;
  cwd: string;
  /** Of crontabs that name none. */
  timezone: string;
}

/**
 * The periodic tasks of a source.
 * @throws MillraceError `import.unreadable`; `import.invalid` with all faults at once, each with its table, key and column
 */
export async function readSource({ database, file, cwd, timezone }: BeatSource): Promise<BeatEntry[]> {
  const issues: Issue[] = [];
  const { label, entries } =
    database === undefined
      ? await readBeatFile(resolve(cwd, file!), file!, timezone, issues)
      : { label: 'the database', entries: entriesOfTables(await readDatabase(database, cwd), issues) };
  if (issues.length > 0) throw invalid(label, issues);
  return entries;
}

async function readDatabase(given: string, cwd: string) {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(given)?.[1]?.toLowerCase();
  // SQLAlchemy's way of naming a driver.
  if (scheme && /^(postgres|postgresql)(\+\w+)?$/.test(scheme))
    return readPostgres(given.replace(/^[^:]+/, 'postgres'));
  if (scheme === 'sqlite') {
    // Three strokes are a relative path, four an absolute one.
    const path = /^sqlite:\/\/\/(.+)$/.exec(given)?.[1];
    if (path) return readSqlite(await existing(resolve(cwd, path), path));
  }
  if (scheme === 'file') return readSqlite(await existing(fileURLToPath(given), given));
  if (scheme) throw new MillraceError('usage.database', `"${scheme}" databases are not read here; ${SUGGESTION}`);
  return readSqlite(await existing(resolve(cwd, given), given));
}

async function existing(path: string, given: string): Promise<string> {
  if (!isSqlite(await bytesOf(path, given))) throw unreadable(`"${given}" is no database of SQLite; ${SUGGESTION}`);
  return path;
}

async function bytesOf(path: string, given: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw unreadable(`Cannot read "${given}": ${absent ? 'no such file' : messageOf(error)}`, error);
  }
}

async function readBeatFile(path: string, given: string, timezone: string, issues: Issue[]) {
  const label = `"${given}"`;
  const bytes = await bytesOf(path, given);
  if (isSqlite(bytes)) return { label, entries: entriesOfTables(await readSqlite(path), issues) };
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw unreadable(`${label} is neither JSON nor a database of SQLite: ${messageOf(error)}`, error);
  }
  if (Array.isArray(value)) return { label, entries: entriesOfTables(tablesOfDump(value, issues), issues) };
  if (!isObject(value))
    throw unreadable(`${label}: wanted the list that dumpdata writes, or a beat_schedule as an object`);
  const record = value;
  const settings = WRAPPERS.map((key) => record[key]).find(isObject) ?? record;
  return { label, entries: entriesOfSettings(settings, timezone, issues) };
}
