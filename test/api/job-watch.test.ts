import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createJobWatch } from '../../src/api/job-watch.js';
import type { JobEvent } from '../../src/api/job-watch.js';
import { MillraceError } from '../../src/core/errors.js';
import { emptyProgress } from '../../src/core/progress.js';
import type { JobState, JobView } from '../../src/core/job.js';
import { jobView } from '../../src/temporal/job-view.js';

/** The view of a job as it stands `done` chunks on. */
function standing(state: JobState, done = 0): JobView {
  const chunks = { total: 4, done, running: 1, failed: 0 };
  const running = { workflowId: 'j-1', status: { name: 'RUNNING' as const }, startTime: new Date(0), attributes: [] };
  const view = jobView(running, { progress: { ...emptyProgress(), state, chunks } }, () => null);
  return { ...view, state };
}

let now: JobView | MillraceError;
let asked: number;
const watch = () =>
  createJobWatch(() => {
    asked++;
    return now instanceof MillraceError ? Promise.reject(now) : Promise.resolve(now);
  });
const told = (events: JobEvent[]) =>
  events.map((event) =>
    event.type === 'trouble' ? event.error.code : `${event.type} ${event.job.progress?.chunks.done}`,
  );

beforeEach(() => {
  vi.useFakeTimers();
  asked = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

it('tells how the job stands at once, then what changes, and the end last', async () => {
  now = standing('running');
  const events: JobEvent[] = [];
  watch().watch('j-1', undefined, (event) => events.push(event));
  await vi.advanceTimersByTimeAsync(2000);
  expect(told(events)).toEqual(['job 0']);
  now = standing('running', 2);
  await vi.advanceTimersByTimeAsync(1000);
  now = standing('completed', 4);
  await vi.advanceTimersByTimeAsync(1000);
  expect(told(events)).toEqual(['job 0', 'job 2', 'end 4']);
  const questions = asked;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toBe(questions);
});

it('asks once for all who watch, tells a late one at once, and asks no more when the last one has gone', async () => {
  now = standing('running');
  const jobs = watch();
  const stops: Array<() => void> = [];
  const seen: JobEvent[][] = [];
  for (let n = 0; n < 200; n++) {
    const events: JobEvent[] = [];
    seen.push(events);
    stops.push(jobs.watch('j-1', undefined, (event) => events.push(event)));
  }
  await vi.advanceTimersByTimeAsync(1100);
  expect(asked).toBe(3);
  const late: JobEvent[] = [];
  stops.push(jobs.watch('j-1', undefined, (event) => late.push(event)));
  expect(told(late)).toEqual(['job 0']);
  expect(new Set(seen.map((events) => told(events).join()))).toEqual(new Set(['job 0']));
  for (const stop of stops) stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toBe(3);
});

it('asks for many jobs less often', async () => {
  now = standing('running');
  const jobs = watch();
  for (let n = 0; n < 200; n++) jobs.watch(`j-${n}`, undefined, () => undefined);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toBeLessThanOrEqual(1200);
  expect(asked).toBeGreaterThan(900);
});

it('does not tell again what a watcher has, unless it is the end', async () => {
  now = standing('running', 1);
  const first: JobEvent[] = [];
  watch().watch('j-1', undefined, (event) => first.push(event));
  await vi.advanceTimersByTimeAsync(1);
  const [standingNow] = first;
  const id = standingNow?.type === 'job' ? standingNow.id : '';
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  const again: JobEvent[] = [];
  const jobs = watch();
  jobs.watch('j-1', id, (event) => again.push(event));
  await vi.advanceTimersByTimeAsync(1000);
  expect(again).toEqual([]);
  now = standing('running', 2);
  await vi.advanceTimersByTimeAsync(1000);
  expect(told(again)).toEqual(['job 2']);
});

it('says that the server is away and goes on when it is back; what nobody can mend ends it', async () => {
  now = new MillraceError('temporal.unreachable', 'away', { retryable: true });
  const events: JobEvent[] = [];
  watch().watch('j-1', undefined, (event) => events.push(event));
  await vi.advanceTimersByTimeAsync(1000);
  now = standing('running', 3);
  await vi.advanceTimersByTimeAsync(2000);
  now = new MillraceError('job.not_found', 'gone');
  await vi.advanceTimersByTimeAsync(2000);
  expect(told(events)).toEqual(['temporal.unreachable', 'job 3', 'job.not_found']);
  const questions = asked;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toBe(questions);
});
