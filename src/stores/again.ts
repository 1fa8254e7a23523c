import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../core/errors.js';

/** Tries of one read before the attempt fails; each after a longer pause. */
const TRIES = 3;
const PAUSE_MS = 250;

/** A short trouble of the network costs a pause and not the attempt. */
export async function again<T>(run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let pause = PAUSE_MS, tries = 1; ; pause *= 4, tries++) {
    try {
      return await run();
    } catch (error) {
      const worthwhile = error instanceof MillraceError && error.retryable && !signal?.aborted;
      if (!worthwhile || tries >= TRIES) throw error;
      await sleep(pause);
    }
  }
}
