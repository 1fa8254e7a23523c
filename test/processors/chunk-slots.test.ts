import { describe, expect, it } from 'vitest';
import { chunkSlots } from '../../src/processors/chunk-slots.js';

/** Slots of two threads, with a clock of our own. */
function slots() {
  let time = 0;
  const supplier = chunkSlots(2, () => time);
  const context = {};
  const never = new AbortController().signal;
  return {
    reserve: (signal: AbortSignal = never) => supplier.reserveSlot(context, signal),
    /** One task of so many milliseconds. */
    async task(ms: number) {
      const permit = await supplier.reserveSlot(context, never);
      supplier.markSlotUsed({ permit });
      time += ms;
      supplier.releaseSlot({ permit });
    },
    release: (permit: object) => supplier.releaseSlot({ permit }),
    free: () => {
      const permit = supplier.tryReserveSlot(context);
      if (permit) supplier.releaseSlot({ permit });
      return permit !== null;
    },
  };
}

describe('chunkSlots', () => {
  it('has one slot for each thread as long as nothing is known of the tasks', async () => {
    const { reserve, free } = slots();
    await reserve();
    expect(free()).toBe(true);
    await reserve();
    expect(free()).toBe(false);
  });

  it('has one more while tasks are quick, and takes it back when they become slow', async () => {
    const { reserve, task, release, free } = slots();
    await task(100);
    const held = [await reserve(), await reserve()];
    expect(free()).toBe(true);
    for (const permit of held) release(permit);
    for (let i = 0; i < 3; i++) await task(10_000);
    await reserve();
    await reserve();
    expect(free()).toBe(false);
  });

  it('serves who waits, in turn, and forgets who gave up', async () => {
    const { reserve, release } = slots();
    const held = [await reserve(), await reserve()];
    const order: string[] = [];
    const abort = new AbortController();
    const first = reserve().then((permit) => (order.push('first'), permit));
    const gaveUp = reserve(abort.signal).catch((error: Error) => error.name);
    const third = reserve().then((permit) => (order.push('third'), permit));
    abort.abort();
    expect(await gaveUp).toBe('AbortError');
    release(held[0]!);
    await first;
    release(held[1]!);
    await third;
    expect(order).toEqual(['first', 'third']);
  });

  it('does not count a slot that no task used', async () => {
    const { reserve, release, free } = slots();
    release(await reserve());
    await reserve();
    await reserve();
    expect(free()).toBe(false);
  });
});
