import { MillraceError } from '../core/errors.js';
import type { Schedule } from '../core/schedule.js';
import { parseSchedule } from '../schema/schedule.js';
import { parseSpec } from '../schema/spec.js';
import type { BeatEntry } from './beat-entry.js';
import { slug } from './slugs.js';
import { whenOf } from './when-of-timing.js';

const CLEANUP = 'celery.backend_cleanup';
const MAX_NOTE = 1000;
const MINUTE_MS = 60_000;
/** Of what the server's search can find, as `name` of a job spec wants it. */
const JOB_NAME = /^(?!')[^\p{Cc}"\\]{1,200}(?<!')$/u;

/** What becomes of an entry: `skipped` has nothing left to do. */
export type Fate = 'carried' | 'carried with remarks' | 'not carried' | 'skipped';

export interface Carried {
  entry: BeatEntry;
  fate: Fate;
  /** What is different from before, or why it is not carried. */
  remarks: string[];
  /** As `millrace schedules apply` and the API take it; absent where it is not carried. */
  document?: Record<string, unknown>;
  schedule?: Schedule;
}

export interface MapOptions {
  now: Date;
  /** Names of processors by names of tasks. */
  processors: ReadonlyMap<string, string>;
  /** The highest priority that stands for: 9, or 255 where one entry has more than 9. */
  highestPriority: number;
}

/** The schedule of an entry. Nothing of it is left out without a remark. */
export function scheduleOfEntry(entry: BeatEntry, id: string, options: MapOptions): Carried {
  const { now } = options;
  const skipped = whySkipped(entry, now);
  if (skipped) return { entry, fate: 'skipped', remarks: [skipped] };
  const when = whenOf(entry, now);
  if ('why' in when) return { entry, fate: 'not carried', remarks: [when.why] };
  const remarks = [...when.remarks];
  const document = {
    id,
    spec: specOf(entry, options, remarks),
    when: when.when,
    ...(when.timezone !== undefined && { timezone: when.timezone }),
    ...(entry.startTime && { startAt: startOf(entry) }),
    // Celery ends before it, ours with it.
    ...(entry.expires && { endAt: iso(Math.ceil(entry.expires.getTime() / 1000) * 1000 - 1000) }),
    ...((entry.oneOff || entry.timing.kind === 'clocked') && { maxRuns: 1 }),
    // Beat starts a task whether or not its last run has ended.
    overlap: 'allowAll',
    ...(!isOn(entry) && { paused: true }),
    ...(entry.description && { note: noteOf(entry, remarks) }),
  };
  if (entry.enabled && !isOn(entry)) remarks.push('one_off and run already: paused, as beat would disable it');
  if (entry.expires)
    remarks.push('expires also goes with each message in Celery; a run here that was started in time may begin late');
  for (const [what, value] of Object.entries({
    queue: entry.queue,
    exchange: entry.exchange,
    'routing key': entry.routingKey,
  })) {
    if (value !== null)
      remarks.push(
        `${what} "${value}" is not carried: workers take runs by task queue and processor; keep work apart with --queue`,
      );
  }
  const headers = Object.keys(entry.headers);
  if (headers.length > 0)
    remarks.push(
      `headers (${headers.join(', ')}) are not carried: a run is no message; put what the task needs into kwargs`,
    );
  for (const what of entry.leftOut) remarks.push(`${what} is not carried: there is nothing like it`);
  try {
    parseSpec(document.spec);
    const { schedule } = parseSchedule(document);
    return { entry, fate: remarks.length > 0 ? 'carried with remarks' : 'carried', remarks, document, schedule };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return { entry, fate: 'not carried', remarks: [error.message] };
  }
}

/** Whether beat would start it at all. */
function isOn({ enabled, oneOff, totalRunCount }: BeatEntry): boolean {
  return enabled && !(oneOff && totalRunCount > 0);
}

function whySkipped(entry: BeatEntry, now: Date): string | null {
  if (entry.task === CLEANUP) {
    return 'it empties the result backend of Celery; results here go by options.retention';
  }
  if (entry.timing.kind === 'clocked' && !isOn(entry) && entry.timing.time <= now) {
    return `its one time, ${entry.timing.time.toISOString()}, is over`;
  }
  if (entry.expires && entry.expires <= now) return `it expired at ${entry.expires.toISOString()}`;
  return null;
}

/** A crontab fires only after the minute of its start time. */
function startOf({ startTime, timing }: BeatEntry): string {
  const ms = startTime!.getTime();
  return timing.kind === 'crontab' ? iso((Math.floor(ms / MINUTE_MS) + 1) * MINUTE_MS) : iso(ms);
}

function specOf(entry: BeatEntry, options: MapOptions, remarks: string[]): Record<string, unknown> {
  const use = options.processors.get(entry.task) ?? processorOf(entry.task);
  const { priority, expireSeconds } = entry;
  const given = {
    ...(priority !== null && { priority: priorityOf(priority, options.highestPriority) }),
    ...(expireSeconds !== null && { expires: `${expireSeconds}s` }),
  };
  if (priority !== null) {
    remarks.push(
      `priority ${priority} of 0 to ${options.highestPriority} becomes ${given.priority} (1 is first), read as RabbitMQ has it; on Redis 0 is first: turn it round`,
    );
  }
  if (expireSeconds === 0) {
    remarks.push('expire_seconds 0 is left out: no run would ever begin');
    delete given.expires;
  }
  return {
    name: JOB_NAME.test(entry.name) ? entry.name : slug(entry.name) || use,
    source: { items: [{ args: entry.args, kwargs: entry.kwargs }] },
    process: { use },
    ...(Object.keys(given).length > 0 && { options: given }),
  };
}

/** `proj.tasks.import_contacts` -> `proj-tasks-import-contacts`. */
export function processorOf(task: string): string {
  return slug(task) || 'task';
}

/** Celery's higher numbers are first; here 1 is, of 5. */
function priorityOf(priority: number, highest: number): number {
  return 5 - Math.floor((priority * 5) / (highest + 1));
}

function noteOf({ description }: BeatEntry, remarks: string[]): string {
  if (description.length <= MAX_NOTE) return description;
  remarks.push(`description is cut after ${MAX_NOTE} of its ${description.length} characters`);
  return description.slice(0, MAX_NOTE);
}

function iso(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
