import type { Issue } from '../core/errors.js';
import { isZone } from '../timetable/zone.js';
import type { BeatEntry, Timing } from './beat-entry.js';
import { tableOf, type BeatTables, type Model, type Row } from './beat-tables.js';
import { readCrontab } from './read-crontab.js';
import { RowReader, quoted } from './row-reader.js';
import { SOLAR_EVENTS } from '../core/schedule.js';

const SECONDS: Readonly<Record<string, number>> = {
  days: 86_400,
  hours: 3600,
  minutes: 60,
  seconds: 1,
  microseconds: 1e-6,
};
const KINDS = ['interval', 'crontab', 'solar', 'clocked'] as const;
const MAX_INTEGER = 2_147_483_647;

/** The periodic tasks of the tables. What is wrong in a row goes to `issues`, with table, key and column. */
export function entriesOfTables(tables: BeatTables, issues: Issue[]): BeatEntry[] {
  const byKey = (model: Model) => new Map(tables[model].map((row) => [String(row.id), row]));
  const rows = {
    interval: byKey('intervalschedule'),
    crontab: byKey('crontabschedule'),
    solar: byKey('solarschedule'),
    clocked: byKey('clockedschedule'),
  };
  return tables.periodictask.map((row) => {
    const pk = String(row.id);
    const read = new RowReader(row, `${tableOf('periodictask')} pk ${pk}`, issues);
    return {
      where: read.where,
      pk,
      name: read.text('name'),
      task: read.text('task'),
      args: read.json<unknown[]>('args', []),
      kwargs: read.json<Record<string, unknown>>('kwargs', {}),
      timing: timingOf(row, rows, read, issues),
      queue: read.optionalText('queue'),
      exchange: read.optionalText('exchange'),
      routingKey: read.optionalText('routing_key'),
      headers: read.json<Record<string, unknown>>('headers', {}),
      priority: read.wholeNumber('priority', 0, 255),
      expires: read.time('expires'),
      expireSeconds: read.wholeNumber('expire_seconds', 0, MAX_INTEGER),
      oneOff: read.flag('one_off'),
      startTime: read.time('start_time'),
      enabled: read.flag('enabled'),
      lastRunAt: read.time('last_run_at'),
      dateChanged: read.time('date_changed'),
      totalRunCount: read.wholeNumber('total_run_count', 0, MAX_INTEGER) ?? 0,
      description: read.optionalText('description') ?? '',
      leftOut: [],
    };
  });
}

/** Stands where a fault was told of: the entry is never used. */
const NONE: Timing = { kind: 'interval', seconds: 1 };

function timingOf(
  row: Row,
  rows: Record<(typeof KINDS)[number], Map<string, Row>>,
  read: RowReader,
  issues: Issue[],
): Timing {
  const given = KINDS.filter((kind) => row[`${kind}_id`] !== null && row[`${kind}_id`] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none' : given.map((kind) => `${kind}_id`).join(' and ');
    read.fault(
      given.map((kind) => `${kind}_id`).join(', ') || 'interval_id',
      `wanted one of ${KINDS.map((kind) => `${kind}_id`).join(', ')}, found ${found}`,
    );
    return NONE;
  }
  const kind = given[0]!;
  const key = String(row[`${kind}_id`]);
  const target = rows[kind].get(key);
  const table = tableOf(`${kind}schedule`);
  if (!target) {
    read.fault(`${kind}_id`, `wanted a row of ${table}, found none with pk ${key}`);
    return NONE;
  }
  // Several tasks may share a row: its faults are told once.
  const own: Issue[] = [];
  const timing = timingOfRow(kind, new RowReader(target, `${table} pk ${key}`, own));
  issues.push(
    ...own.filter((one) => !issues.some(({ path, message }) => path === one.path && message === one.message)),
  );
  return timing;
}

function timingOfRow(kind: (typeof KINDS)[number], read: RowReader): Timing {
  if (kind === 'interval') {
    const every = read.wholeNumber('every', 0, MAX_INTEGER, { required: true });
    const period = read.text('period');
    const seconds = SECONDS[period];
    if (seconds === undefined)
      read.fault('period', `wanted one of ${Object.keys(SECONDS).join(', ')}, found ${quoted(period)}`);
    // Without the error of a product of fractions.
    return { kind, seconds: period === 'microseconds' ? (every ?? 1) / 1e6 : (every ?? 1) * (seconds ?? 1) };
  }
  if (kind === 'solar') {
    const event = read.text('event');
    if (!(SOLAR_EVENTS as readonly string[]).includes(event))
      read.fault('event', `wanted one of ${SOLAR_EVENTS.join(', ')}, found ${quoted(event)}`);
    return {
      kind,
      event,
      latitude: read.decimal('latitude', -90, 90),
      longitude: read.decimal('longitude', -180, 180),
    };
  }
  if (kind === 'clocked') {
    return { kind, time: read.time('clocked_time', { required: true }) ?? new Date(0) };
  }
  const timezone = read.text('timezone');
  if (!isZone(timezone))
    read.fault('timezone', `wanted a time zone such as "Europe/Berlin", found ${quoted(timezone)}`);
  const texts = {
    minute: read.text('minute'),
    hour: read.text('hour'),
    dayOfMonth: read.text('day_of_month'),
    monthOfYear: read.text('month_of_year'),
    dayOfWeek: read.text('day_of_week'),
  };
  return { kind, rule: readCrontab(texts, (column, message) => read.fault(column, message)), timezone };
}
