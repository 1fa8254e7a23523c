/** A task shorter than this is over before it has paid for the way to its successor: some 20 ms from one to the next. */
const QUICK_MS = 1_000;
/** Weight of the newest task in the mean. */
const NEWEST = 0.25;

interface Permit {
  usedAt: number | null;
}

/** A slot supplier as the SDK's worker asks for one. */
export interface ChunkSlots {
  type: 'custom';
  reserveSlot(context: unknown, signal: AbortSignal): Promise<object>;
  tryReserveSlot(context: unknown): object | null;
  markSlotUsed(context: { permit: object }): void;
  releaseSlot(context: { permit: object }): void;
}

/**
 * The slots of the chunk activities: one for each thread, and while tasks are quick one more, whose task waits in this
 * process so that no thread idles between two. Where they take longer the waiting one is better off at another worker.
 */
export function chunkSlots(threads: number, now: () => number = Date.now): ChunkSlots {
  const waiting: Array<(permit: Permit) => void> = [];
  let held = 0;
  let meanMs = Infinity;

  const capacity = () => threads + (meanMs < QUICK_MS ? 1 : 0);
  const permit = (): Permit => {
    held++;
    return { usedAt: null };
  };
  const serve = () => {
    while (waiting.length > 0 && held < capacity()) waiting.shift()!(permit());
  };

  return {
    type: 'custom',
    reserveSlot(_context, signal) {
      return new Promise((resolve, reject) => {
        const abandon = () => {
          const at = waiting.indexOf(resolve);
          if (at >= 0) waiting.splice(at, 1);
          reject(signal.reason as Error);
        };
        if (signal.aborted) return abandon();
        signal.addEventListener('abort', abandon, { once: true });
        waiting.push(resolve);
        serve();
      });
    },
    tryReserveSlot: () => (held < capacity() ? permit() : null),
    markSlotUsed(context) {
      (context.permit as Permit).usedAt = now();
    },
    releaseSlot(context) {
      const { usedAt } = context.permit as Permit;
      held--;
      if (usedAt !== null) {
        const ms = now() - usedAt;
        meanMs = meanMs === Infinity ? ms : meanMs + NEWEST * (ms - meanMs);
      }
      serve();
    },
  };
}
