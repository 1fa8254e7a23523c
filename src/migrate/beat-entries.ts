import type { Issue } from '../core/errors.js';
import { SOLAR_EVENTS } from '../core/schedule.js';
import type { SolarEvent } from '../core/schedule.js';
import { isZone } from '../timetable/zone.js';
import { TABLES, invalid, tableName } from './beat-tables.js';
import type { BeatTables, Row, TableName } from './beat-tables.js';
import { celeryField } from './celery-cron.js';

/** A periodic task of Celery, checked. */
export interface BeatEntry {
  id: string;
  name: string;
  task: string;
  args: unknown[];
  kwargs: Record<string, unknown>;
  rule: BeatRule;
  enabled: boolean;
  oneOff: boolean;
  runs: number;
  lastRun: Date | null;
  changed: Date | null;
  start: Date | null;
  expires: Date | null;
  expireSeconds: number | null;
  priority: number | null;
  description: string;
  /** What routes messages of Celery: name and value. */
  routing: Array<[name: string, value: string]>;
}

export type BeatRule =
  | { kind: 'interval'; microseconds: number }
  | {
      kind: 'crontab';
      minute: string;
      hour: string;
      dayOfMonth: string;
      month: string;
      dayOfWeek: string;
      timezone: string;
    }
  | { kind: 'solar'; event: SolarEvent; latitude: number; longitude: number }
  | { kind: 'clocked'; time: Date };

const PERIODS: Readonly<Record<string, number>> = {
  microseconds: 1,
  seconds: 1e6,
  minutes: 60e6,
  hours: 3600e6,
  days: 86_400e6,
};
const KINDS = ['interval', 'crontab', 'solar', 'clocked'] as const;

/**
 * The entries of the tables.
 * @throws MillraceError `import.invalid` with one issue a fault: table, row and column
 */
export function beatEntries(tables: BeatTables): BeatEntry[] {
  const faults: Issue[] = [];
  const byId = Object.fromEntries(
    TABLES.map((table) => [table, new Map(tables[table].map((row) => [String(row.id), row]))]),
  ) as Record<TableName, Map<string, Row>>;
  const entries = tables.periodictask.map((row) => entryOf(row, byId, faults));
  if (faults.length > 0) throw invalid(faults);
  return entries as BeatEntry[];
}

/** Reads the columns of one row, and notes what is wrong with them. */
function columnsOf(table: TableName, row: Row, faults: Issue[]) {
  const fault = (column: string, message: string): null => {
    faults.push({ path: `${tableName(table)} row ${String(row.id)}, column ${column}`, message });
    return null;
  };
  const found = (value: unknown) => `found ${JSON.stringify(value) ?? 'nothing'}`;
  return {
    fault,
    text(column: string): string {
      const value = row[column];
      return typeof value === 'string' ? value : (fault(column, `wanted a text, ${found(value)}`) ?? '');
    },
    optionalText(column: string): string {
      const value = row[column] ?? '';
      return typeof value === 'string' ? value : JSON.stringify(value);
    },
    flag(column: string, otherwise: boolean): boolean {
      const value = row[column];
      return value === undefined || value === null ? otherwise : value === true || value === 1;
    },
    number(column: string): number {
      const value = Number(row[column]);
      if (row[column] !== null && row[column] !== '' && Number.isFinite(value)) return value;
      fault(column, `wanted a number, ${found(row[column])}`);
      return 0;
    },
    optionalNumber(column: string): number | null {
      return row[column] === null || row[column] === undefined ? null : this.number(column);
    },
    time(column: string): Date | null {
      const value = row[column];
      if (value === null || value === undefined) return null;
      const time = timeOf(value);
      return time ?? fault(column, `wanted a time, ${found(value)}`);
    },
    json<T>(column: string, otherwise: T, fits: (value: unknown) => value is T, wanted: string): T {
      const value = row[column];
      if (value === null || value === undefined || value === '') return otherwise;
      try {
        const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : value;
        if (fits(parsed)) return parsed;
      } catch {
        // Told below.
      }
      fault(column, `wanted ${wanted} as JSON, ${found(value)}`);
      return otherwise;
    },
  };
}

/** What Django writes without a zone is UTC. */
function timeOf(value: unknown): Date | null {
  if (value instanceof Date) return value;
  if (typeof value !== 'string') return null;
  const text = value.replace(' ', 'T').replace(/(\.\d{3})\d+/, '$1');
  const time = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(time.getTime()) ? null : time;
}

const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function entryOf(row: Row, byId: Record<TableName, Map<string, Row>>, faults: Issue[]): BeatEntry | null {
  const read = columnsOf('periodictask', row, faults);
  const rule = ruleOf(row, byId, read.fault, faults);
  const headers = read.json('headers', {}, isObject, 'an object');
  const routing: BeatEntry['routing'] = (['queue', 'exchange', 'routing_key'] as const)
    .map((column): [string, string] => [column, read.optionalText(column)])
    .filter(([, value]) => value !== '');
  if (Object.keys(headers).length > 0) routing.push(['headers', JSON.stringify(headers)]);
  const entry = {
    id: String(row.id),
    name: read.text('name'),
    task: read.text('task'),
    args: read.json<unknown[]>('args', [], isList, 'a list'),
    kwargs: read.json('kwargs', {}, isObject, 'an object'),
    enabled: read.flag('enabled', true),
    oneOff: read.flag('one_off', false),
    runs: read.optionalNumber('total_run_count') ?? 0,
    lastRun: read.time('last_run_at'),
    changed: read.time('date_changed'),
    start: read.time('start_time'),
    expires: read.time('expires'),
    expireSeconds: read.optionalNumber('expire_seconds'),
    priority: read.optionalNumber('priority'),
    description: read.optionalText('description'),
    routing,
  };
  return rule && { ...entry, rule };
}

function ruleOf(
  row: Row,
  byId: Record<TableName, Map<string, Row>>,
  fault: (column: string, message: string) => null,
  faults: Issue[],
): BeatRule | null {
  const given = KINDS.filter((kind) => row[`${kind}_id`] !== null && row[`${kind}_id`] !== undefined);
  const [kind] = given;
  if (given.length !== 1 || kind === undefined) {
    return fault(
      'interval_id',
      `wanted one of interval, crontab, solar and clocked, found ${given.length === 0 ? 'none' : given.join(' and ')}`,
    );
  }
  const reference = String(row[`${kind}_id`]);
  const table = `${kind}schedule` as const;
  const target = byId[table].get(reference);
  if (!target) return fault(`${kind}_id`, `there is no row ${reference} in ${tableName(table)}`);
  const before = faults.length;
  const rule = readRule(kind, target, faults);
  return faults.length === before ? rule : null;
}

function readRule(kind: (typeof KINDS)[number], row: Row, faults: Issue[]): BeatRule {
  const read = columnsOf(`${kind}schedule`, row, faults);
  switch (kind) {
    case 'interval': {
      const unit = PERIODS[read.text('period')];
      if (unit === undefined)
        read.fault('period', `wanted one of ${Object.keys(PERIODS).join(', ')}, found ${JSON.stringify(row.period)}`);
      const every = read.number('every');
      if (every < 1) read.fault('every', `wanted at least 1, found ${every}`);
      return { kind, microseconds: every * (unit ?? 1) };
    }
    case 'crontab': {
      const field = (column: string, called: Parameters<typeof celeryField>[0]) => {
        const value = row[column];
        const text = Array.isArray(value)
          ? value.join(',')
          : (typeof value === 'string' || typeof value === 'number' ? String(value) : '').replaceAll(' ', '') || '*';
        const parsed = celeryField(called, text);
        if (typeof parsed === 'string') read.fault(column, parsed);
        return text;
      };
      const timezone = read.text('timezone');
      if (!isZone(timezone)) read.fault('timezone', `${JSON.stringify(timezone)} is no time zone`);
      return {
        kind,
        minute: field('minute', 'minute'),
        hour: field('hour', 'hour'),
        dayOfMonth: field('day_of_month', 'dayOfMonth'),
        month: field('month_of_year', 'month'),
        dayOfWeek: field('day_of_week', 'dayOfWeek'),
        timezone,
      };
    }
    case 'solar': {
      const event = read.text('event') as SolarEvent;
      if (!SOLAR_EVENTS.includes(event))
        read.fault('event', `wanted one of ${SOLAR_EVENTS.join(', ')}, found ${JSON.stringify(event)}`);
      return { kind, event, latitude: read.number('latitude'), longitude: read.number('longitude') };
    }
    case 'clocked': {
      const time = read.time('clocked_time');
      if (!time && row.clocked_time === null) read.fault('clocked_time', 'wanted a time, found nothing');
      return { kind, time: time ?? new Date(0) };
    }
  }
}
