import { z } from 'zod';
import { MillraceError } from '../core/errors.js';
import { OVERLAPS, SOLAR_EVENTS } from '../core/schedule.js';
import type { CalendarRule, Schedule, ScheduleDocument, Span, When } from '../core/schedule.js';
import { EVERY_DAY, FIELDS, parseCron, parseField, sundayFirst, valueOf } from '../timetable/cron.js';
import type { Unit } from '../timetable/cron.js';
import { nextTimes } from '../timetable/next-times.js';
import { parseTime } from '../timetable/parse-time.js';
import { isZone } from '../timetable/zone.js';
import { pointer, shown, suggestion, toIssues, wording } from './issues.js';
import { closed, duration, isPlainObject, notifyUrls } from './parts.js';

/** A server that was away for longer starts no more what it missed. */
const DEFAULT_CATCHUP = '10m';
const MAX_CRONS = 20;
const MAX_CALENDARS = 100;
/** Whatever fires at all fires once in this time: it has all leap years and days of the week. */
const ALL_DATES = { from: new Date('2000-01-01T00:00:00Z'), count: 1 };

const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/, {
  error: ({ input }) =>
    `wanted 1 to 200 letters, digits, ".", "_" and "-", the first a letter or digit, found ${shown(input)}`,
});

const text = z.string().min(1).max(200);
const span = closed({
  start: z.union([z.int(), text]),
  end: z.union([z.int(), text]).optional(),
  step: z.int().min(1).default(1),
});
const value = z.union([z.int(), text, span]);
const values = z
  .union([value, z.array(value).min(1).max(60)], {
    error: ({ input }) =>
      `wanted a number, a name, a range such as "1-5", { start, end, step } or a list of them, found ${shown(input)}`,
  })
  .optional();
const calendar = closed({
  second: values,
  minute: values,
  hour: values,
  dayOfMonth: values,
  month: values,
  dayOfWeek: values,
  year: values,
});

const WHEN_FORM = 'wanted one of cron, every, calendar, solar, at';

const when = closed({
  cron: z.union([text, z.array(text).min(1).max(MAX_CRONS)]).optional(),
  every: z
    .union([duration(1000), closed({ interval: duration(1000), offset: duration(0).prefault(0) })], {
      error: ({ input }) =>
        `wanted a duration of at least 1s such as "15m", or { interval: "1h", offset: "5m" }, found ${shown(input)}`,
    })
    .optional(),
  calendar: z
    .union([calendar, z.array(calendar).min(1).max(MAX_CALENDARS)], {
      error: 'wanted fields such as { hour: 6, dayOfWeek: "mon-fri" }, or a list of such',
    })
    .optional(),
  solar: closed({
    event: z.enum(SOLAR_EVENTS),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
  }).optional(),
  at: text.optional().meta({ description: 'Once, at this time' }),
});

/** A schedule as callers write it, but for `job`, which the API puts a spec in place of. */
export const scheduleSchema = closed({
  id,
  spec: z
    .custom<Record<string, unknown>>(isPlainObject, {
      error: ({ input }) => `wanted a job spec, found ${shown(input)}`,
    })
    .meta({ type: 'object', description: 'The job, as it is written for POST /v1/jobs; may have templates' }),
  when: when.meta({ description: 'One of these' }),
  timezone: text.default('UTC').meta({ description: 'IANA name, in which cron, calendar and templates are read' }),
  startAt: text.optional().meta({ description: 'It does not fire before' }),
  endAt: text.optional().meta({ description: 'It does not fire after' }),
  jitter: duration(0).prefault(0).meta({ description: 'Each start is put off by up to this' }),
  maxRuns: z.int().min(1).max(1_000_000_000).optional().meta({ description: 'Then it fires no more' }),
  overlap: z.enum(OVERLAPS).default('skip').meta({ description: 'A time comes while a run is open' }),
  catchup: duration(10_000)
    .prefault(DEFAULT_CATCHUP)
    .meta({ description: 'What was missed is started late, by at most this' }),
  pauseOnFailure: z.boolean().default(false).meta({ description: 'A run that fails pauses it' }),
  paused: z.boolean().default(false).meta({ description: 'Starts nothing' }),
  note: z.string().max(1000).default('').meta({ description: 'Shown with it' }),
  notify: notifyUrls.default([]).meta({ description: 'Webhooks told of failed, missed, skipped and recovered runs' }),
});

type Parsed = z.output<typeof scheduleSchema>;
type Fault = (path: ReadonlyArray<string | number>, message: string) => void;

/**
 * Reads a schedule as it is written.
 * @returns its canonical form, and the document with the defaults filled in
 * @throws MillraceError `schedule.invalid` with one issue a fault
 */
export function parseSchedule(input: unknown): { schedule: Schedule; document: ScheduleDocument } {
  const parsed = scheduleSchema.safeParse(input, { error: wording });
  if (!parsed.success) {
    const issues = toIssues(parsed.error);
    throw invalid(issues.map(({ path, at, message }) => ({ path, message: at ? `${at}: ${message}` : message })));
  }
  const issues: Array<{ path: string; message: string }> = [];
  const fault: Fault = (path, message) =>
    issues.push({ path: pointer(path), message: `${path.join('.')}: ${message}` });
  const { data } = parsed;
  const given = input as Record<string, unknown>;
  const zoneOfCron = cronZone(data, fault);
  const timezone = zoneOfCron ?? data.timezone;
  if (!isZone(timezone)) {
    fault(
      [zoneOfCron === undefined ? 'timezone' : 'when'],
      `${shown(timezone)} is no time zone; ${suggestion(timezone, Intl.supportedValuesOf('timeZone').concat('UTC')).replace(/^known here.*/, 'wanted an IANA name such as "Europe/Berlin"')}`,
    );
    throw invalid(issues);
  }
  const startAt = timeIn(data.startAt, 'startAt', timezone, fault);
  const endAt = timeIn(data.endAt, 'endAt', timezone, fault);
  if (startAt && endAt && Date.parse(endAt) < Date.parse(startAt))
    fault(['endAt'], `${shown(data.endAt)} is before startAt ${shown(data.startAt)}`);
  const parsedWhen = readWhen(data.when, timezone, fault);
  if (
    issues.length === 0 &&
    parsedWhen &&
    !('solar' in parsedWhen) &&
    nextTimes({ when: parsedWhen, timezone }, ALL_DATES).length === 0 &&
    !('at' in parsedWhen)
  ) {
    fault(['when'], `${shown(data.when)} never fires: there is no such date`);
  }
  if (issues.length > 0 || !parsedWhen) throw invalid(issues);
  const { jitter: jitterMs, catchup: catchupMs, maxRuns, overlap, pauseOnFailure, paused, note, notify, spec } = data;
  const optional = { ...(startAt && { startAt }), ...(endAt && { endAt }), ...(maxRuns !== undefined && { maxRuns }) };
  return {
    schedule: {
      id: data.id,
      spec,
      when: parsedWhen,
      timezone,
      ...optional,
      jitterMs,
      overlap,
      catchupMs,
      pauseOnFailure,
      paused,
      note,
      notify,
    },
    document: {
      id: data.id,
      spec,
      when: given.when as Record<string, unknown>,
      timezone,
      ...(data.startAt !== undefined && { startAt: data.startAt }),
      ...(data.endAt !== undefined && { endAt: data.endAt }),
      jitter: (given.jitter ?? 0) as string | number,
      ...(maxRuns !== undefined && { maxRuns }),
      overlap,
      catchup: (given.catchup ?? DEFAULT_CATCHUP) as string | number,
      pauseOnFailure,
      paused,
      note,
      notify,
    },
  };
}

function timeIn(value: string | undefined, key: string, timezone: string, fault: Fault): string | undefined {
  if (value === undefined) return undefined;
  const parsed = parseTime(value, timezone);
  if ('time' in parsed) return parsed.time.toISOString();
  fault([key], parsed.fault);
  return undefined;
}

/** The server has one zone for all of a schedule. */
function cronZone({ when: { cron }, timezone }: Parsed, fault: Fault): string | undefined {
  const texts = cron === undefined ? [] : [cron].flat();
  const zones = texts.map((one) => {
    const parsed = parseCron(one);
    return 'rule' in parsed ? parsed.rule.timezone : undefined;
  });
  const [first] = zones;
  if (new Set(zones).size > 1)
    fault(['when', 'cron'], `wanted one time zone for all of them, found ${shown(zones)}; give it in timezone`);
  else if (first !== undefined && timezone !== 'UTC' && timezone !== first)
    fault(
      ['timezone'],
      `${shown(timezone)} is not the zone ${shown(first)} that stands in when.cron; give one of them`,
    );
  return first;
}

function readWhen(given: Parsed['when'], timezone: string, fault: Fault): When | null {
  const forms = Object.entries(given).filter(([, form]) => form !== undefined);
  if (forms.length !== 1) {
    fault(['when'], `${WHEN_FORM}, found ${forms.length === 0 ? 'none' : forms.map(([name]) => name).join(' and ')}`);
    return null;
  }
  const { cron, every, calendar: calendars, solar, at } = given;
  if (cron !== undefined) {
    const texts = [cron].flat();
    texts.forEach((one, n) => {
      const parsed = parseCron(one);
      if ('faults' in parsed)
        for (const message of parsed.faults)
          fault(Array.isArray(cron) ? ['when', 'cron', n] : ['when', 'cron'], message);
    });
    return { cron: texts };
  }
  if (every !== undefined) {
    const { interval, offset } = typeof every === 'number' ? { interval: every, offset: 0 } : every;
    const path = ['when', 'every', ...(typeof every === 'number' ? [] : ['interval'])];
    if (interval % 1000 !== 0 || offset % 1000 !== 0) fault(path, 'wanted whole seconds');
    if (offset >= interval) fault(['when', 'every', 'offset'], 'wanted less than the interval');
    return { every: { intervalMs: interval, offsetMs: offset } };
  }
  if (calendars !== undefined) {
    const many = Array.isArray(calendars);
    return {
      calendar: [calendars]
        .flat()
        .map((one, n) => readCalendar(one, many ? ['when', 'calendar', n] : ['when', 'calendar'], fault)),
    };
  }
  if (solar !== undefined) return { solar };
  const time = parseTime(at!, timezone);
  if ('time' in time) return { at: time.time.toISOString() };
  fault(['when', 'at'], time.fault);
  return null;
}

const AT_ZERO: ReadonlySet<string> = new Set(['second', 'minute', 'hour']);

/** Fields that are left out: the clock at zero, every day. */
function readCalendar(
  given: z.output<typeof calendar>,
  path: ReadonlyArray<string | number>,
  fault: Fault,
): CalendarRule {
  const rule: CalendarRule = { ...EVERY_DAY };
  for (const unit of Object.keys(FIELDS) as Unit[]) {
    const written = given[unit];
    if (written === undefined) {
      if (AT_ZERO.has(unit)) rule[unit] = [{ start: 0, end: 0, step: 1 }];
      continue;
    }
    rule[unit] = [written].flat().flatMap((one) => {
      const read = readValue(unit, one);
      if (typeof read !== 'string') return read;
      fault([...path, unit], read);
      return [];
    });
  }
  // "*" among others.
  if (rule.year.some(({ start, end, step }) => start === FIELDS.year.min && end === FIELDS.year.max && step === 1))
    rule.year = [];
  return rule;
}

function readValue(unit: Unit, written: z.output<typeof value>): Span[] | string {
  if (typeof written !== 'object') {
    const parsed = parseField(unit, String(written));
    return 'spans' in parsed ? parsed.spans : parsed.fault;
  }
  const { start, end = start, step } = written;
  const [first, last] = [start, end].map((one) => valueOf(FIELDS[unit], String(one)));
  if (first === null || last === null || first === undefined || last === undefined || last < first) {
    const { min, max, called } = FIELDS[unit];
    return `${called} ${shown(written)}: wanted a start from ${min} to ${max} and an end not before it`;
  }
  const read = { start: first, end: last, step };
  return unit === 'dayOfWeek' ? sundayFirst(read) : [read];
}

function invalid(issues: Array<{ path: string; message: string }>): MillraceError {
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new MillraceError('schedule.invalid', `${issues[0]!.message}${more}`, { issues });
}
