import { describe, expect, it } from 'vitest';
import { patienceMs } from '../../src/core/window.js';

describe('the time that an activity may take', () => {
  it.each([2, 8, 100, 500])(
    'is longer the more of them a history of %i ranges has, until there is room for none',
    (ranges) => {
      const room = 560 - ranges;
      const times = Array.from({ length: room }, (_, more) => patienceMs(ranges, more));
      expect(times[0]).toBe(10_000);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(Math.round(times[room >> 1]! / 1000)).toBe(22);
      expect(times.at(-1)).toBeLessThan(10_000 * 512);
      expect(patienceMs(ranges, room)).toBe(Infinity);
    },
  );
});
