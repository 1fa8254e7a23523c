import { atOnce } from '../core/at-once.js';
import type { Ended } from '../core/job.js';
import { keys } from '../core/receipt.js';
import type { WorkArea } from './port.js';

/**
 * A retry that takes a folder up judges the same times by its own clock, and removes the mark at once: so much later it
 * has, and what still bears the mark is nobody's.
 */
const GRACE_MS = 10 * 60_000;
const EVERY_MS = 3_600_000;
/** Marks that are read side by side. */
const READS_AT_ONCE = 16;

/** Told of a job whose end is not written down: it runs, or was ended from outside. */
type Unmarked = (job: string) => Promise<void>;

/**
 * Removes what ended jobs left in the work area longer ago than they asked for. A folder without the mark of its end stays.
 * Several at once do no harm.
 */
export async function sweepEnded(work: WorkArea, unmarked: Unmarked, now = Date.now()): Promise<void> {
  const faults: unknown[] = [];
  await atOnce(READS_AT_ONCE, await work.list(''), (folder) =>
    sweepJob(work, folder, unmarked, now).catch((fault: unknown) => faults.push(fault)),
  );
  // One that could not be swept keeps no other from it.
  if (faults.length > 0) throw faults[0];
}

/** Sweeps now and once an hour, beside everything else. */
export function keepSwept(work: WorkArea, unmarked: Unmarked, log: (line: string) => void): { stop(): void } {
  const sweep = () =>
    void sweepEnded(work, unmarked).catch((error: Error) =>
      log(`old jobs were not removed from the work area: ${error.message}`),
    );
  sweep();
  const timer = setInterval(sweep, EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

async function sweepJob(work: WorkArea, job: string, unmarked: Unmarked, now: number): Promise<void> {
  const ended = await readMark(work, job);
  if (!ended) {
    // Items alone may be of a job that is about to start.
    if ((await work.list(keys.job(job))).includes(keys.plan(job))) await unmarked(job);
    return;
  }
  const isOver = (time: string) => now >= Date.parse(time) + GRACE_MS;
  const [rest, result] = [isOver(ended.keepUntil.work), isOver(ended.keepUntil.result)];
  if (!rest && !result) return;
  const output = keys.output(job).slice(0, -1);
  const left = (await work.list(keys.job(job))).filter((key) => key !== keys.ended(job));
  for (const key of left.filter((one) => (one === output ? result : rest))) await work.remove(key);
  // The mark goes last: a sweep that was interrupted is taken up by the next.
  if (rest && result) await work.remove(keys.job(job));
}

/** Null where there is none, or nothing that could be read as one. */
async function readMark(work: WorkArea, job: string): Promise<Ended | null> {
  try {
    const mark = await work.tryRead(keys.ended(job));
    return mark && (JSON.parse(mark.toString()) as Ended);
  } catch {
    return null;
  }
}
