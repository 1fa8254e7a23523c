import type { Issue } from '../core/errors.js';
import { MillraceError } from '../core/errors.js';

export type Row = Record<string, unknown>;

/** The tables of django-celery-beat, as they are: rows with the names of the columns. */
export interface BeatTables {
  periodictask: Row[];
  intervalschedule: Row[];
  crontabschedule: Row[];
  solarschedule: Row[];
  clockedschedule: Row[];
}

export type TableName = keyof BeatTables;

/** What is read of each; a database without one of them is not one of django-celery-beat, or of a version that is not known. */
const COLUMNS: Readonly<Record<TableName, readonly string[]>> = {
  periodictask: [
    'id',
    'name',
    'task',
    'interval_id',
    'crontab_id',
    'solar_id',
    'clocked_id',
    'args',
    'kwargs',
    'queue',
    'exchange',
    'routing_key',
    'headers',
    'priority',
    'expires',
    'expire_seconds',
    'one_off',
    'start_time',
    'enabled',
    'last_run_at',
    'total_run_count',
    'date_changed',
    'description',
  ],
  intervalschedule: ['id', 'every', 'period'],
  crontabschedule: ['id', 'minute', 'hour', 'day_of_month', 'month_of_year', 'day_of_week', 'timezone'],
  solarschedule: ['id', 'event', 'latitude', 'longitude'],
  clockedschedule: ['id', 'clocked_time'],
};

export const TABLES = Object.keys(COLUMNS) as TableName[];
export const tableName = (table: TableName): string => `django_celery_beat_${table}`;

/**
 * Reads all tables.
 * @param columnsOf the columns of a table; none where there is no such table
 * @throws MillraceError `import.invalid` that names each table and column that is missing
 */
export async function readTables(
  columnsOf: (table: string) => Promise<string[]>,
  rowsOf: (table: string, columns: readonly string[]) => Promise<Row[]>,
): Promise<BeatTables> {
  const faults: Issue[] = [];
  for (const table of TABLES) {
    const name = tableName(table);
    const found = await columnsOf(name);
    if (found.length === 0) faults.push({ path: name, message: 'there is no such table' });
    else
      for (const column of COLUMNS[table])
        if (!found.includes(column)) faults.push({ path: `${name}.${column}`, message: 'there is no such column' });
  }
  if (faults.length > 0) throw invalid(faults);
  const read = await Promise.all(TABLES.map((table) => rowsOf(tableName(table), COLUMNS[table])));
  return Object.fromEntries(TABLES.map((table, n) => [table, read[n]])) as unknown as BeatTables;
}

/** Nothing is imported of what has a fault. */
export function invalid(issues: Issue[]): MillraceError {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new MillraceError('import.invalid', `${first!.path}: ${first!.message}${more}; nothing was changed`, {
    issues,
  });
}
