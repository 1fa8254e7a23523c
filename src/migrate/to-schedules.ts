import type { ScheduleDocument } from '../core/schedule.js';
import { describeWhen } from '../timetable/describe.js';
import { nextTimes } from '../timetable/next-times.js';
import { parseSchedule } from '../schema/schedule.js';
import type { BeatEntry, BeatRule } from './beat-entries.js';
import { celeryField, isEvery } from './celery-cron.js';
import { celeryNext } from './celery-next.js';

/** How many times are compared. */
const COMPARED = 5;
const MAX_ID = 200;

export interface Mapping {
  /** Names of tasks to names of processors; others are the same. */
  processors: ReadonlyMap<string, string>;
  /** Whose priorities they are; absent: they are not carried. */
  broker?: 'rabbitmq' | 'redis';
}

/** What becomes of one entry. */
export interface Imported {
  name: string;
  task: string;
  /** Null: it is not carried, and `remarks` say why. */
  document: ScheduleDocument | null;
  sentence: string;
  /** RFC 3339; the next five by our side and by Celery's. */
  ours: string[];
  theirs: string[];
  /** What is otherwise than it was, or not carried. */
  remarks: string[];
}

/** Turns entries into schedules. Nothing is left out without a word. */
export function toSchedules(entries: readonly BeatEntry[], mapping: Mapping, now: Date): Imported[] {
  const taken = new Set<string>();
  return entries.map((entry) => {
    const { name, task } = entry;
    const reason = cannotCarry(entry);
    if (reason !== null) return { name, task, document: null, sentence: '', ours: [], theirs: [], remarks: [reason] };
    const id = idOf(entry, taken);
    const remarks: string[] = [];
    const { schedule, document } = parseSchedule(written(entry, id, mapping, remarks));
    const iso = (times: Date[]) => times.map((time) => time.toISOString());
    const count = schedule.maxRuns ?? COMPARED;
    const range = { from: now, count: Math.min(COMPARED, count) };
    const until = entry.expires ? { until: entry.expires } : {};
    const ours = iso(nextTimes(schedule, { ...range, ...until }));
    const theirs = iso(celeryNext(entry, now, range.count).filter((time) => !entry.expires || time < entry.expires));
    const differing = ours.filter((time, n) => Math.abs(Date.parse(time) - Date.parse(theirs[n] ?? '')) > 1000);
    if (differing.length > 0) {
      remarks.push(
        'on days on which clocks are changed the times differ: a time that is jumped over fires when the clock has jumped, one that is shown twice fires once',
      );
    }
    return { name, task, document, sentence: describeWhen(schedule.when, schedule.timezone), ours, theirs, remarks };
  });
}

function cannotCarry({ task, rule, oneOff, runs }: BeatEntry): string | null {
  if (task === 'celery.backend_cleanup') {
    return "Celery's own cleaning of its result store; results here go by options.retention";
  }
  if (rule.kind === 'interval' && rule.microseconds % 1e6 !== 0) {
    return `every ${rule.microseconds} microseconds: the server fires at whole seconds, at least one apart`;
  }
  if (oneOff && runs > 0) return 'it was to run once and has run';
  return null;
}

/** The name, in the letters of an id; the same entry always has the same one. */
function idOf({ id, name }: BeatEntry, taken: Set<string>): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, MAX_ID - 20);
  const free = plain === '' ? `task-${id}` : taken.has(plain) ? `${plain}-${id}` : plain;
  taken.add(free);
  return free;
}

function written(entry: BeatEntry, id: string, { processors, broker }: Mapping, remarks: string[]): unknown {
  const { rule, task, args, kwargs, enabled, oneOff, start, expires, expireSeconds, priority, description, routing } =
    entry;
  for (const [name, value] of routing) {
    remarks.push(`${name} ${JSON.stringify(value)} is not carried: every worker of the service takes every job`);
  }
  const options: Record<string, unknown> = {};
  if (priority !== null && broker === undefined) {
    remarks.push(
      `priority ${priority} is not carried: what it means depends on the broker; say --broker rabbitmq or redis`,
    );
  } else if (priority !== null) options.priority = priorityOf(priority, broker!);
  if (expireSeconds !== null) options.expires = `${expireSeconds}s`;
  if (rule.kind === 'interval')
    remarks.push(
      'counted from the epoch, put off so that the next time is the one of Celery; a late run does not shift the ones behind it',
    );
  return {
    id,
    spec: {
      name: nameOf(entry.name),
      source: { items: [{ args, kwargs }] },
      process: { use: processors.get(task) ?? task },
      ...(Object.keys(options).length > 0 && { options }),
    },
    when: whenOf(entry),
    timezone: rule.kind === 'crontab' ? rule.timezone : 'UTC',
    ...(start && { startAt: start.toISOString() }),
    ...(expires && { endAt: expires.toISOString() }),
    ...((oneOff || rule.kind === 'clocked') && { maxRuns: 1 }),
    // Celery starts the next one whether the last has ended or not.
    overlap: 'allowAll',
    paused: !enabled,
    note: description.slice(0, 1000),
  };
}

function nameOf(name: string): string {
  return (
    name
      .replace(/[\p{Cc}"\\]/gu, ' ')
      .replace(/^'+|'+$/g, '')
      .slice(0, 200) || 'task'
  );
}

function whenOf({ rule, lastRun, changed }: BeatEntry): Record<string, unknown> {
  switch (rule.kind) {
    case 'interval': {
      const interval = rule.microseconds / 1e6;
      const offset = Math.floor((lastRun ?? changed ?? new Date(0)).getTime() / 1000) % interval;
      return { every: offset === 0 ? `${interval}s` : { interval: `${interval}s`, offset: `${offset}s` } };
    }
    case 'crontab':
      return crontabWhen(rule);
    case 'solar':
      return { solar: { event: rule.event, latitude: rule.latitude, longitude: rule.longitude } };
    case 'clocked':
      return { at: rule.time.toISOString().replace('.000Z', 'Z') };
  }
}

/** Celery wants both day fields to match, cron one of them: where both restrict, only a calendar says it. */
function crontabWhen({
  minute,
  hour,
  dayOfMonth,
  month,
  dayOfWeek,
}: Extract<BeatRule, { kind: 'crontab' }>): Record<string, unknown> {
  const texts = {
    minute: plain('minute', minute),
    hour: plain('hour', hour),
    dayOfMonth: plain('dayOfMonth', dayOfMonth),
    month: plain('month', month),
    dayOfWeek: plain('dayOfWeek', dayOfWeek),
  };
  if (isEvery('dayOfMonth', dayOfMonth) || isEvery('dayOfWeek', dayOfWeek)) {
    return { cron: `${texts.minute} ${texts.hour} ${texts.dayOfMonth} ${texts.month} ${texts.dayOfWeek}` };
  }
  return { calendar: texts };
}

/** As it is written, but for ranges that wrap around, which cron does not know. */
function plain(unit: Parameters<typeof celeryField>[0], text: string): string {
  if (isEvery(unit, text)) return '*';
  const wraps = text.split(',').some((part) => {
    const range = /^(\w+)-(\w+)/.exec(part);
    if (!range) return false;
    const [first, last] = [range[1]!, range[2]!].map((one) => (celeryField(unit, one) as number[])[0]!);
    return last! < first!;
  });
  return wraps ? (celeryField(unit, text) as number[]).join(',') : text;
}

/** Five steps for ten; of RabbitMQ the greatest goes first, of Redis the least. */
function priorityOf(priority: number, broker: 'rabbitmq' | 'redis'): number {
  const share = Math.min(9, priority) / 9;
  return broker === 'redis' ? 1 + Math.round(share * 4) : 5 - Math.round(share * 4);
}
