import { describe, expect, it } from 'vitest';
import { patienceMs } from '../../src/core/window.js';

describe('the time that an activity may take', () => {
  it.each([2, 8, 100, 500])(
    'is longer the more of them a history of %i ranges has, until there is room for none',
    (ranges) => {
      const room = 560 - ranges;
      const times = Array.from({ length: room }, (_, more) => patienceMs(ranges, more));
      expect(times[0]).toBe(20_000);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times[room >> 1]).toBe(40_000);
      expect(times.at(-1)).toBeLessThan(20_000 * 256);
      expect(patienceMs(ranges, room)).toBe(Infinity);
    },
  );
});
