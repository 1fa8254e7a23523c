import type { Issue } from '../core/errors.js';
import { MODELS, type BeatTables, type Model, type Row } from './beat-tables.js';
import { isObject } from './row-reader.js';

const PREFIX = 'django_celery_beat.';
const FOREIGN_KEYS = ['interval', 'crontab', 'solar', 'clocked'];

/** The tables in what `manage.py dumpdata django_celery_beat` wrote. Rows of other applications may stand between. */
export function tablesOfDump(rows: readonly unknown[], issues: Issue[]): BeatTables {
  const tables = Object.fromEntries(MODELS.map((model) => [model, []])) as unknown as BeatTables;
  rows.forEach((row, n) => {
    if (!isObject(row) || typeof row.model !== 'string' || !isObject(row.fields)) {
      issues.push({ path: `/${n}`, message: 'wanted { model, pk, fields } as "manage.py dumpdata" writes it' });
      return;
    }
    const model = row.model.toLowerCase();
    const name = model.slice(PREFIX.length) as Model;
    if (!model.startsWith(PREFIX) || !MODELS.includes(name)) return;
    // A dump with --natural-primary has no keys of its own.
    if (row.pk === null || row.pk === undefined) {
      issues.push({ path: `/${n}/pk`, message: 'missing; dump without --natural-primary' });
      return;
    }
    const fields: Row = {};
    for (const [key, value] of Object.entries(row.fields)) {
      const isForeignKey = name === 'periodictask' && FOREIGN_KEYS.includes(key);
      fields[isForeignKey ? `${key}_id` : key] = value;
    }
    tables[name].push({ id: row.pk, ...fields });
  });
  return tables;
}
