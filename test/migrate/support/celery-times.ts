import { readFile } from 'node:fs/promises';
import type { BeatEntry } from '../../../src/migrate/beat-entry.js';
import { carryEntries, type Outcome } from '../../../src/migrate/carry-entries.js';
import { celeryNextTimes } from '../../../src/migrate/celery-next.js';

/** What Celery said at a moment: `fixtures/make.py` asked it. */
export interface Moment {
  now: string;
  /** All entries had just run; else they had run when their rows say. */
  justRan: boolean;
  times: Record<string, string[]>;
}

/** The next times of an entry as Celery said, as our copy of its rules says, and as our schedule fires. */
export interface Compared {
  at: string;
  name: string;
  kind: BeatEntry['timing']['kind'];
  celery: number[];
  copy: number[];
  ours: number[] | null;
  outcome: Outcome;
}

export async function readMoments(path: string): Promise<Moment[]> {
  return JSON.parse(await readFile(path, 'utf8')) as Moment[];
}

/** Every entry at every moment. Celery was asked as if all were enabled and none had run out. */
export function compareAll(entries: readonly BeatEntry[], moments: readonly Moment[]): Compared[] {
  return moments.flatMap(({ now: text, justRan, times }) => {
    const now = new Date(text);
    const asked = entries.map((entry) => ({
      ...entry,
      enabled: true,
      ...(entry.oneOff && { totalRunCount: 0 }),
      ...(justRan && { lastRunAt: now }),
    }));
    const outcomes = carryEntries(asked, { now, processors: new Map() });
    return asked.map((entry, n) => ({
      at: text,
      name: entry.name,
      kind: entry.timing.kind,
      celery: times[entry.name]!.map((time) => Date.parse(time.replace(/(\.\d{3})\d+/, '$1'))),
      copy: celeryNextTimes(entry, now, 5).map((time) => time.getTime()),
      ours: outcomes[n]!.comparison?.ours.map((time) => time.getTime()) ?? null,
      outcome: outcomes[n]!,
    }));
  });
}

/** Intervals and what begins at a start time have fractions of seconds in Celery; the sun has two formulas. */
const TOLERANCE_MS = { interval: 999, crontab: 0, solar: 10_000, clocked: 0 } as const;

export function agree({ kind }: Compared, a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((time, n) => Math.abs(time - b[n]!) <= TOLERANCE_MS[kind]);
}

/** `2026-10-25T00:50:07+00:00 nightly: celery … ours …`, for a failed expectation. */
export function shown({ at, name, celery }: Compared, found: readonly number[]): string {
  const texts = (times: readonly number[]) => times.map((time) => new Date(time).toISOString()).join(' ');
  return `${at} ${name}: celery ${texts(celery)} | here ${texts(found)}`;
}
