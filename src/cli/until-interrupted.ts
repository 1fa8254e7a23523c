import type { Io } from './io.js';

/** Resolves on the first Ctrl-C or request to end. */
export function untilInterrupted(io: Io): Promise<void> {
  return new Promise((resolve) => {
    const stopListening = io.onInterrupt(() => {
      stopListening();
      resolve();
    });
  });
}
