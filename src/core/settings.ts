import { MillraceError } from './errors.js';
import type { Issue } from './errors.js';
import type { JobSpec, Rate, Tolerance } from './spec.js';
import { MAX_LANES } from './window.js';

/** What can be changed of a job while it runs. */
export interface JobSettings {
  /** Chunk activities at once, over all workers. */
  concurrency: number;
  rate: Rate;
  /** Rejected records that the job bears. */
  rejects: Tolerance;
  /** Chunks that may fail for good. */
  failedChunks: Tolerance;
  /** 1 (first) to 5. */
  priority: number;
}

export function settingsOf(plan: { concurrency: number; options: JobSpec['options'] }): JobSettings {
  const { rate = null, rejects, failedChunks = NONE, priority } = plan.options;
  return { concurrency: plan.concurrency, rate, rejects: rejects.tolerate, failedChunks, priority };
}

/** A rate for one of several that share it. */
export function shareOf(rate: Rate, among: number): Rate {
  if (!rate || among <= 1) return rate;
  return 'records' in rate ? { records: rate.records / among } : { chunks: rate.chunks / among };
}

const NONE: Tolerance = { count: 0 };

/** `500` or `"500"`: a count; `"0.1%"`: a share of all; null where it is neither. */
export function parseTolerance(value: unknown): Tolerance {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return { count: Number(text) };
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  if (!percent || Number(percent[1]) > 100) return null;
  return { share: Number((Number(percent[1]) / 100).toPrecision(12)) };
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600 };

/** `{ records: "500/s" }` or `{ chunks: "30/m" }`, as a number a second; null where it is neither. */
export function parseRate(value: unknown): Rate {
  if (!isObject(value)) return null;
  const entries = Object.entries(value);
  const [unit, given] = entries[0] ?? [];
  if (entries.length !== 1 || (unit !== 'records' && unit !== 'chunks')) return null;
  const match = /^(\d+(?:\.\d+)?)\s*\/\s*([smh])$/.exec(typeof given === 'string' ? given.trim() : '');
  const perSecond = match ? Number(match[1]) / SECONDS[match[2]!]! : 0;
  if (perSecond <= 0) return null;
  return unit === 'records' ? { records: perSecond } : { chunks: perSecond };
}

export const RATE_FORM = 'wanted { records: "500/s" } or { chunks: "30/m" }, per s, m or h';
export const TOLERANCE_FORM = 'wanted a count such as 500 or a percentage such as "0.1%"';

/** How each setting is written: as in `options` of a job spec. `rate: null` lifts the limit. */
const READERS: Record<keyof JobSettings, (value: unknown) => Partial<JobSettings> | string> = {
  concurrency: (value) =>
    isWhole(value, 1, 10_000)
      ? { concurrency: Math.min(value, MAX_LANES) }
      : `wanted a whole number from 1 to 10000, found ${shown(value)}`,
  rate(value) {
    const rate = parseRate(value);
    return value === null || rate ? { rate } : `${RATE_FORM}, or null, found ${shown(value)}`;
  },
  rejects: (value) => tolerated(value, (rejects) => ({ rejects })),
  failedChunks: (value) => tolerated(value, (failedChunks) => ({ failedChunks })),
  priority: (value) =>
    isWhole(value, 1, 5) ? { priority: value } : `wanted a whole number from 1 to 5, found ${shown(value)}`,
};

/**
 * The changes that a caller asks for.
 * @throws MillraceError `job.bad_settings` with one issue a fault
 */
export function parseSettings(given: unknown): Partial<JobSettings> {
  const names = Object.keys(READERS);
  if (!isObject(given) || Object.keys(given).length === 0)
    throw bad([{ path: '', message: `wanted an object with some of ${names.join(', ')}, found ${shown(given)}` }]);
  const issues: Issue[] = [];
  let changes: Partial<JobSettings> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(READERS, name)) {
      issues.push({ path: `/${name}`, message: `no setting of this name; there are ${names.join(', ')}` });
      continue;
    }
    const read = READERS[name as keyof JobSettings](value);
    if (typeof read === 'string') issues.push({ path: `/${name}`, message: read });
    else changes = { ...changes, ...read };
  }
  if (issues.length > 0) throw bad(issues);
  return changes;
}

function tolerated(value: unknown, setting: (tolerance: Tolerance) => Partial<JobSettings>) {
  const given = isObject(value) && Object.keys(value).join() === 'tolerate' ? value.tolerate : undefined;
  const tolerance = parseTolerance(given);
  return tolerance ? setting(tolerance) : `wanted { tolerate: … }: ${TOLERANCE_FORM}, found ${shown(value)}`;
}

function bad(issues: Issue[]): MillraceError {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const place = first!.path === '' ? 'settings' : first!.path.slice(1);
  return new MillraceError('job.bad_settings', `${place}: ${first!.message}${more}`, { issues });
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
