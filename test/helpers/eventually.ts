import { vi } from 'vitest';

/** What `look` finds, once it finds something: for what a server tells in its own time. */
export function eventually<T>(look: () => Promise<T | false | null | undefined>, ms = 20_000): Promise<T> {
  return vi.waitFor(
    async () => {
      const found = await look();
      if (!found) throw new Error('not yet');
      return found;
    },
    { timeout: ms, interval: 100 },
  );
}
