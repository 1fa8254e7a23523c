import type { PlanSummary } from './plan.js';

/** One history is planned with this many activities at most: at six events each it stays under 4,096. */
const MAX_ACTIVITIES_PER_RUN = 500;
/** Each start that waits for its rate brings a timer and a task of its own: up to eleven events. */
const MAX_RATED_ACTIVITIES_PER_RUN = 300;

export function activitiesPerRun({ options }: Pick<PlanSummary, 'options'>): number {
  return options.rate ? MAX_RATED_ACTIVITIES_PER_RUN : MAX_ACTIVITIES_PER_RUN;
}

/** A job is planned with at most this many activities, so that the root's own history, about 65 events a window, stays small too. */
export const MAX_ACTIVITIES = 20_000;
/** So long an activity may take for itself: what it has done by then is not lost with its worker. */
const PATIENCE_MS = 10_000;
/** Activities of a history, those that take over a rest included; with 80 more, for ranges that do not join, it stays under 4,096 events. */
const MOST_ACTIVITIES = 560;
/** How often their time doubles until all of them are used. */
const DOUBLINGS = 9;

/**
 * How long an activity may take until it leaves the rest of its range to another one. The more of them a history has for
 * this reason, the longer: slow chunks must not fill it.
 * @param ranges of which the history has an activity each in any case
 * @param more how many it has beside those
 * @returns Infinity where there is no room for another one
 */
export function patienceMs(ranges: number, more: number): number {
  const share = more / (MOST_ACTIVITIES - ranges);
  return share < 1 ? Math.round(PATIENCE_MS * 2 ** (DOUBLINGS * share ** 3)) : Infinity;
}

/** Windows open at once: while one drains the next one fills its lanes. */
export const MAX_OPEN_WINDOWS = 3;
/** Lanes of one window; above some 80 fast activities the server's buffer of events overflows. */
export const MAX_LANES = 64;

export function activityCount(plan: Pick<PlanSummary, 'chunkCount' | 'chunksPerActivity'>): number {
  return Math.ceil(plan.chunkCount / plan.chunksPerActivity);
}

/** The chunks `[from, to)` of activity number `n`. */
export function rangeOf(
  plan: Pick<PlanSummary, 'chunkCount' | 'chunksPerActivity'>,
  n: number,
): { from: number; to: number } {
  const from = n * plan.chunksPerActivity;
  return { from, to: Math.min(from + plan.chunksPerActivity, plan.chunkCount) };
}

/** Where a range is halved that fails; its start where it is one chunk. */
export function middleOf({ from, to }: { from: number; to: number }): number {
  return (from + to) >> 1;
}

/** What the Web UI shows on an activity's bar, cut by it at 120 characters. */
export function rangeSummary(plan: PlanSummary, from: number, to: number): string {
  const which = to - from === 1 ? `chunk ${from + 1}` : `chunks ${from + 1}-${to}`;
  const share = plan.bytes / plan.chunkCount / 1e6;
  const place = plan.bytes > 0 ? ` ${(from * share).toFixed(1)}-${(to * share).toFixed(1)} MB` : '';
  return `${which}/${plan.chunkCount} ${plan.sourceLabel}${place}`;
}
