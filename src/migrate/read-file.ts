import { TABLES, invalid } from './beat-tables.js';
import type { BeatTables, Row, TableName } from './beat-tables.js';
import { unreadable } from './read-database.js';
import type { Issue } from '../core/errors.js';

/** In a dump the name of the column in the table lacks its ending. */
const REFERENCES = ['interval', 'crontab', 'solar', 'clocked'];

/**
 * The tables in a JSON text: what `manage.py dumpdata django_celery_beat` writes, or a `beat_schedule` with entries
 * `{task, schedule, args, kwargs, options}` whose schedule is a number of seconds, the fields of a crontab or of `solar`.
 * @throws MillraceError `import.unreadable`, `import.invalid`
 */
export function readFileText(text: string, label: string): BeatTables {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(
      `${label} is no JSON: ${(error as Error).message}; wanted what "manage.py dumpdata django_celery_beat" writes, or a beat_schedule as JSON`,
    );
  }
  if (Array.isArray(value)) return fromDump(value);
  if (isRecord(value)) return fromBeatSchedule(isRecord(value.beat_schedule) ? value.beat_schedule : value);
  throw unreadable(`${label} holds neither a list of models nor a beat_schedule`);
}

function empty(): BeatTables {
  return Object.fromEntries(TABLES.map((table) => [table, [] as Row[]])) as unknown as BeatTables;
}

function fromDump(models: unknown[]): BeatTables {
  const tables = empty();
  const faults: Issue[] = [];
  models.forEach((model, n) => {
    if (!isRecord(model) || typeof model.model !== 'string' || !isRecord(model.fields)) {
      faults.push({ path: `[${n}]`, message: 'wanted {"model": …, "pk": …, "fields": {…}}' });
      return;
    }
    const [app, table] = model.model.split('.');
    if (app !== 'django_celery_beat' || !TABLES.includes(table as TableName)) return;
    const fields = Object.entries(model.fields).map(([key, one]) => [
      REFERENCES.includes(key) ? `${key}_id` : key,
      one,
    ]);
    tables[table as TableName].push({ id: model.pk, ...(Object.fromEntries(fields) as Row) });
  });
  if (faults.length > 0) throw invalid(faults);
  return tables;
}

function fromBeatSchedule(entries: Record<string, unknown>): BeatTables {
  const tables = empty();
  const faults: Issue[] = [];
  Object.entries(entries).forEach(([name, entry], n) => {
    const id = n + 1;
    if (!isRecord(entry)) {
      faults.push({ path: name, message: `wanted {"task": …, "schedule": …}, found ${JSON.stringify(entry)}` });
      return;
    }
    const { task, schedule, args = [], kwargs = {}, options = {} } = entry;
    const given = isRecord(options) ? options : {};
    const reference = addSchedule(tables, id, schedule);
    if (reference === null) {
      faults.push({
        path: `${name}.schedule`,
        message: `wanted a number of seconds, the fields of a crontab or those of solar, found ${JSON.stringify(schedule)}`,
      });
      return;
    }
    tables.periodictask.push({
      id,
      name,
      task,
      [reference]: id,
      args: JSON.stringify(args),
      kwargs: JSON.stringify(kwargs),
      queue: given.queue,
      exchange: given.exchange,
      routing_key: given.routing_key,
      headers: given.headers === undefined ? '{}' : JSON.stringify(given.headers),
      priority: given.priority,
      expire_seconds: given.expires ?? given.expire_seconds,
      enabled: true,
    });
  });
  if (faults.length > 0) throw invalid(faults);
  return tables;
}

/** @returns the column that refers to it; null where it is no schedule */
function addSchedule(tables: BeatTables, id: number, schedule: unknown): string | null {
  if (typeof schedule === 'number') {
    tables.intervalschedule.push({ id, every: Math.round(schedule * 1e6), period: 'microseconds' });
    return 'interval_id';
  }
  const cron =
    typeof schedule === 'string'
      ? cronFields(schedule)
      : isRecord(schedule) && isRecord(schedule.crontab)
        ? schedule.crontab
        : schedule;
  if (!isRecord(cron)) return null;
  const solar = isRecord(cron.solar) ? cron.solar : cron;
  if (typeof solar.event === 'string') {
    tables.solarschedule.push({
      id,
      event: solar.event,
      latitude: solar.lat ?? solar.latitude,
      longitude: solar.lon ?? solar.longitude,
    });
    return 'solar_id';
  }
  const {
    minute = '*',
    hour = '*',
    day_of_week = '*',
    day_of_month = '*',
    month_of_year = '*',
    timezone = 'UTC',
    ...others
  } = cron;
  if (Object.keys(others).length > 0) return null;
  tables.crontabschedule.push({ id, minute, hour, day_of_week, day_of_month, month_of_year, timezone });
  return 'crontab_id';
}

function cronFields(text: string): Row | null {
  const [minute, hour, day_of_month, month_of_year, day_of_week, ...more] = text.trim().split(/\s+/);
  return day_of_week === undefined || more.length > 0
    ? null
    : { minute, hour, day_of_month, month_of_year, day_of_week };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
