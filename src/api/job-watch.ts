import { createHash } from 'node:crypto';
import { asMillraceError } from '../core/errors.js';
import { isEndState } from '../core/job.js';
import type { JobView } from '../core/job.js';

const POLL_MS = 500;
/** All watched jobs together are asked for so many times a second at most. */
const POLLS_PER_SECOND = 100;
/** Between two questions of which the first was not answered. */
const TROUBLE_MS = 2000;

/**
 * What a watcher is told. `job`: how the job stands, once at the start and whenever that changes; `end` is the last of them.
 * `id` tells one standing from another, whichever process answers.
 */
export type JobEvent = JobStanding | { type: 'trouble'; error: { code: string; message: string }; last: boolean };

export interface JobStanding {
  type: 'job' | 'end';
  id: string;
  job: JobView;
}

export interface JobWatch {
  /**
   * @param seen id of the newest event that the watcher has: it is not told again, unless it is the last one
   * @returns ends it
   */
  watch(id: string, seen: string | undefined, tell: (event: JobEvent) => void): () => void;
}

interface Watched {
  watchers: Set<Watcher>;
  newest?: JobStanding;
  timer?: NodeJS.Timeout;
}

interface Watcher {
  seen: string | undefined;
  tell: (event: JobEvent) => void;
}

/** Asks for a job's view in the name of all who watch it, and not at all while nobody does. */
export function createJobWatch(view: (id: string) => Promise<JobView>): JobWatch {
  const all = new Map<string, Watched>();

  async function poll(id: string, job: Watched): Promise<void> {
    let pause = Math.max(POLL_MS, (all.size * 1000) / POLLS_PER_SECOND);
    try {
      job.newest = eventOf(await view(id));
      if (job.newest.type === 'end') forget(id, job);
      for (const watcher of job.watchers) bring(watcher, job.newest);
    } catch (error) {
      const { code, message, retryable } = asMillraceError(error);
      if (!retryable) forget(id, job);
      for (const { tell } of job.watchers) tell({ type: 'trouble', error: { code, message }, last: !retryable });
      pause = Math.max(pause, TROUBLE_MS);
    }
    if (all.get(id) === job) job.timer = setTimeout(() => void poll(id, job), pause);
  }

  function forget(id: string, job: Watched): void {
    clearTimeout(job.timer);
    if (all.get(id) === job) all.delete(id);
  }

  return {
    watch(id, seen, tell) {
      const watcher = { seen, tell };
      const known = all.get(id);
      const job = known ?? { watchers: new Set() };
      job.watchers.add(watcher);
      if (known?.newest) bring(watcher, known.newest);
      if (!known) {
        all.set(id, job);
        void poll(id, job);
      }
      return () => {
        job.watchers.delete(watcher);
        if (job.watchers.size === 0) forget(id, job);
      };
    },
  };
}

function bring(watcher: Watcher, event: JobStanding): void {
  if (watcher.seen === event.id && event.type !== 'end') return;
  watcher.seen = event.id;
  watcher.tell(event);
}

/** How a job stands, as an event. What only the clock changes is nothing new. */
export function eventOf(job: JobView): JobStanding {
  const standing = { ...job, progress: job.progress && { ...job.progress, rate: 0, eta: null } };
  const id = createHash('sha256').update(JSON.stringify(standing)).digest('hex').slice(0, 16);
  return { type: isEndState(job.state) ? 'end' : 'job', id, job };
}
