import { createHash } from 'node:crypto';
import { SOLAR_EVENTS } from '../core/schedule.js';
import type { Issue } from '../core/errors.js';
import type { BeatEntry, Timing } from './beat-entry.js';
import { CRONTAB_FIELDS, type CrontabRule } from './crontab.js';
import { readCrontab } from './read-crontab.js';
import { isObject, quoted, timeOf } from './row-reader.js';

const TIMEDELTA: Readonly<Record<string, number>> = {
  weeks: 604_800,
  days: 86_400,
  hours: 3600,
  minutes: 60,
  seconds: 1,
  milliseconds: 1e-3,
  microseconds: 1e-6,
};
const NAMES = {
  minute: 'minute',
  hour: 'hour',
  day_of_month: 'dayOfMonth',
  month_of_year: 'monthOfYear',
  day_of_week: 'dayOfWeek',
} as const;
const ENTRY_KEYS = ['task', 'schedule', 'args', 'kwargs', 'options'];
const OPTION_KEYS = ['queue', 'exchange', 'routing_key', 'headers', 'priority', 'expires'];
const FORM =
  'wanted seconds, a crontab such as "0 6 * * mon", { crontab: { minute, hour, … } }, { minutes: 5 } or { solar: { event, lat, lon } }';

/** Stands where a fault was told of: the entry is never used. */
const NONE: Timing = { kind: 'interval', seconds: 1 };

type Fault = (column: string, message: string) => void;

/**
 * The entries of a `beat_schedule` that was written as JSON.
 * @param timezone of the application, in which its crontabs are read
 */
export function entriesOfSettings(settings: Record<string, unknown>, timezone: string, issues: Issue[]): BeatEntry[] {
  return Object.entries(settings).map(([name, given]) => {
    const where = `beat_schedule ${JSON.stringify(name)}`;
    const fault: Fault = (column, message) => issues.push({ path: `${where} ${column}`, message });
    const entry = isObject(given) ? given : {};
    if (!isObject(given)) fault('', `wanted { task, schedule, … }, found ${quoted(given)}`);
    if (typeof entry.task !== 'string' || entry.task === '')
      fault('task', `wanted a text, found ${quoted(entry.task)}`);
    const options = objectIn(entry.options, 'options', fault);
    const text = (key: string) => (typeof options[key] === 'string' && options[key] !== '' ? options[key] : null);
    const { expires } = options;
    const expiresAt = typeof expires === 'string' ? timeOf(expires) : null;
    const wrong = (value: unknown, from: number, to: number) =>
      value !== undefined && value !== null && !(typeof value === 'number' && value >= from && value <= to);
    if (expiresAt === null && wrong(expires, 0, Infinity))
      fault('options.expires', `wanted seconds or a time, found ${quoted(expires)}`);
    if (wrong(options.priority, 0, 255) || !Number.isInteger(options.priority ?? 0))
      fault('options.priority', `wanted a whole number from 0 to 255, found ${quoted(options.priority)}`);
    if (entry.args !== undefined && entry.args !== null && !Array.isArray(entry.args))
      fault('args', `wanted a list, found ${quoted(entry.args)}`);
    return {
      where,
      pk: createHash('sha256').update(name).digest('hex').slice(0, 6),
      name,
      task: typeof entry.task === 'string' ? entry.task : '?',
      args: Array.isArray(entry.args) ? entry.args : [],
      kwargs: objectIn(entry.kwargs, 'kwargs', fault),
      timing: timingOf(entry.schedule, timezone, fault),
      queue: text('queue'),
      exchange: text('exchange'),
      routingKey: text('routing_key'),
      headers: objectIn(options.headers, 'options.headers', fault),
      priority: typeof options.priority === 'number' ? options.priority : null,
      expires: null,
      expireSeconds: typeof expires === 'number' ? expires : null,
      oneOff: false,
      startTime: null,
      enabled: true,
      lastRunAt: null,
      dateChanged: null,
      totalRunCount: 0,
      description: '',
      leftOut: [
        ...Object.keys(entry).filter((key) => !ENTRY_KEYS.includes(key)),
        ...Object.keys(options)
          .filter((key) => !OPTION_KEYS.includes(key))
          .map((key) => `options.${key}`),
        // A fixed time ends the messages, not the schedule.
        ...(expiresAt ? ['options.expires, which is one moment for all runs'] : []),
      ],
    };
  });
}

function objectIn(value: unknown, column: string, fault: Fault): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  fault(column, `wanted an object, found ${quoted(value)}`);
  return {};
}

function timingOf(given: unknown, timezone: string, fault: Fault): Timing {
  if (typeof given === 'number' && given >= 0) return { kind: 'interval', seconds: given };
  if (typeof given === 'string') {
    const parts = given.trim().split(/\s+/);
    if (parts.length !== 5) return refused(`crontab "${given}" has ${parts.length} fields; wanted 5`, fault);
    const texts = Object.fromEntries(CRONTAB_FIELDS.map((field, n) => [field, parts[n]!])) as Record<
      (typeof CRONTAB_FIELDS)[number],
      string
    >;
    return {
      kind: 'crontab',
      rule: readCrontab(texts, (column, message) => fault(`schedule.${column}`, message)),
      timezone,
    };
  }
  if (!isObject(given)) return refused(`${FORM}, found ${quoted(given)}`, fault);
  if ('crontab' in given)
    return typeof given.crontab === 'string'
      ? timingOf(given.crontab, timezone, fault)
      : crontab(given.crontab, timezone, fault);
  if ('solar' in given) return solar(given.solar, fault);
  const keys = Object.keys(given);
  if (keys.length > 0 && keys.every((key) => Object.hasOwn(TIMEDELTA, key) && typeof given[key] === 'number')) {
    const seconds = keys.reduce((sum, key) => sum + (given[key] as number) * TIMEDELTA[key]!, 0);
    return { kind: 'interval', seconds };
  }
  return crontab(given, timezone, fault);
}

function crontab(given: unknown, timezone: string, fault: Fault): Timing {
  const keys = isObject(given) ? Object.keys(given) : [];
  if (!isObject(given) || keys.length === 0 || keys.some((key) => !Object.hasOwn(NAMES, key)))
    return refused(`${FORM}, found ${quoted(given)}`, fault);
  const texts = Object.fromEntries(Object.entries(NAMES).map(([key, field]) => [field, textOf(given[key])])) as Record<
    keyof Omit<CrontabRule, 'text'>,
    string
  >;
  return {
    kind: 'crontab',
    rule: readCrontab(texts, (column, message) => fault(`schedule.${column}`, message)),
    timezone,
  };
}

/** Values of a list stand for themselves; what is neither text nor number becomes what no crontab has. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return '*';
  if (Array.isArray(value)) return value.map(textOf).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function solar(given: unknown, fault: Fault): Timing {
  const { event, lat, lon } = isObject(given) ? given : {};
  const known = typeof event === 'string' && (SOLAR_EVENTS as readonly string[]).includes(event);
  if (!known || typeof lat !== 'number' || typeof lon !== 'number' || Math.abs(lat) > 90 || Math.abs(lon) > 180)
    return refused(`wanted { event, lat, lon } with one of ${SOLAR_EVENTS.join(', ')}, found ${quoted(given)}`, fault);
  return { kind: 'solar', event, latitude: lat, longitude: lon };
}

function refused(message: string, fault: Fault): Timing {
  fault('schedule', message);
  return NONE;
}
