import { readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Ended } from '../core/job.js';

/**
 * A retry that takes a folder up judges the same times by its own clock, and removes the mark at once: so much later it
 * has, and what still bears the mark is nobody's.
 */
const GRACE_MS = 10 * 60_000;
const EVERY_MS = 3_600_000;
const MARK = 'ended.json';
const OUTPUT = 'output';

/**
 * Removes what ended jobs left in the work area longer ago than they asked for. A folder without the mark of its end is
 * of a job that runs, or that was ended from outside, and stays. Several at once do no harm.
 * @param folder of the work area
 */
export async function sweepEnded(folder: string, now = Date.now()): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await sweepJob(path.join(folder, entry.name), now);
  }
}

/** Sweeps now and once an hour, beside everything else. */
export function keepSwept(folder: string, log: (line: string) => void): { stop(): void } {
  const sweep = () =>
    void sweepEnded(folder).catch((error: Error) =>
      log(`old jobs were not removed from the work area: ${error.message}`),
    );
  sweep();
  const timer = setInterval(sweep, EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

async function sweepJob(job: string, now: number): Promise<void> {
  const ended = await readMark(job);
  if (!ended) return;
  const isOver = (time: string) => now >= Date.parse(time) + GRACE_MS;
  const [work, result] = [isOver(ended.keepUntil.work), isOver(ended.keepUntil.result)];
  if (!work && !result) return;
  const names = (await contentOf(job)).filter((name) => name !== MARK && (name === OUTPUT ? result : work));
  for (const name of names) await rm(path.join(job, name), { recursive: true, force: true });
  // The mark goes last: a sweep that was interrupted is taken up by the next.
  if (work && result) await rm(job, { recursive: true, force: true });
}

/** Nothing of a folder that another worker has removed since its mark was read. */
async function contentOf(job: string): Promise<string[]> {
  try {
    return await readdir(job);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function readMark(job: string): Promise<Ended | null> {
  try {
    return JSON.parse(await readFile(path.join(job, MARK), 'utf8')) as Ended;
  } catch {
    return null;
  }
}
