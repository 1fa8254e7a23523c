import { heartbeat } from '@temporalio/activity';
import type { Notice } from '../src/core/notice.js';
import { keys } from '../src/core/receipt.js';
import { newEvents } from '../src/core/schedule-watch.js';
import type { EndedRun, WatchState } from '../src/core/schedule-watch.js';
import { parseSchedule } from '../src/schema/schedule.js';
import type { Dependencies } from './dependencies.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** The list of the server may tell of a run so much later. */
const LIST_LAG_MS = MINUTE_MS;
/** What is written out of a rule (the sun, change days) is written anew after so long. */
const RENEW_MS = 30 * DAY_MS;

/**
 * Looks at the schedules that have somebody to tell, tells what happened since the last look, and once a day renews what is
 * written out of their rules. Told twice it tells nothing twice: an event has one id, and the server starts one workflow for it.
 * @returns how many events there were
 */
export async function watchSchedules({ work, watch, taskQueue, notifyUrls }: Dependencies): Promise<number> {
  const key = keys.watch(taskQueue);
  const stored = await work.tryRead(key);
  const now = new Date();
  const state: WatchState = stored
    ? (JSON.parse(stored.toString()) as WatchState)
    : { since: now.toISOString(), seen: {}, schedules: {}, renewedAt: now.toISOString() };
  const ended = (await watch.endedSince(new Date(Date.parse(state.since) - LIST_LAG_MS))).filter(
    ({ run }) => state.seen[run] === undefined,
  );
  const renews = now.getTime() - Date.parse(state.renewedAt) >= DAY_MS;
  const next: WatchState = {
    since: now.toISOString(),
    seen: seenOf(state, ended, now),
    schedules: {},
    renewedAt: renews ? now.toISOString() : state.renewedAt,
  };
  let told = 0;
  for (const id of await watch.ids({ all: renews || notifyUrls.length > 0 })) {
    heartbeat();
    const look = await watch.look(id);
    if (!look) continue;
    const { document, counts, changedAt } = look;
    const urls = [...new Set([...document.notify, ...notifyUrls])];
    if (urls.length > 0) {
      const runs = ended.filter(({ schedule }) => schedule === id);
      const { events, standing } = newEvents(id, state.schedules[id], counts, runs, now.toISOString());
      next.schedules[id] = standing;
      for (const notice of events) await watch.tell(notice satisfies Notice, urls);
      told += events.length;
    }
    if (renews && now.getTime() - Date.parse(changedAt) >= RENEW_MS)
      await watch.renew(id, parseSchedule(document).schedule);
  }
  await work.replace(key, JSON.stringify(next));
  return told;
}

/** Those that the next look may find again. */
function seenOf(state: WatchState, ended: readonly EndedRun[], now: Date): WatchState['seen'] {
  const all = { ...state.seen, ...Object.fromEntries(ended.map(({ run }) => [run, now.toISOString()])) };
  return Object.fromEntries(
    Object.entries(all).filter(([, at]) => now.getTime() - Date.parse(at) < 3 * LIST_LAG_MS + MINUTE_MS),
  );
}
