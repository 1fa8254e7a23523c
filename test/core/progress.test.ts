import { describe, expect, it } from 'vitest';
import { NO_TOTALS, addTotals, exceedsTolerance, subtractTotals } from '../../src/core/progress.js';
import type { Totals } from '../../src/core/progress.js';

function totals(rejected: number, all: number, unverified = 0): Totals {
  return { ...NO_TOTALS, unverified, counts: { in: all, used: all - rejected, filtered: 0, rejected, out: 0 } };
}

describe('exceedsTolerance', () => {
  it('holds a count exactly', () => {
    expect(exceedsTolerance(totals(3, 10), { count: 3 }, false)).toBe(false);
    expect(exceedsTolerance(totals(4, 10), { count: 3 }, false)).toBe(true);
  });

  it('does not judge a share on too few records while the job runs', () => {
    expect(exceedsTolerance(totals(1, 1), { share: 0.01 }, false)).toBe(false);
    expect(exceedsTolerance(totals(1, 1), { share: 0.01 }, true)).toBe(true);
    expect(exceedsTolerance(totals(20, 1000), { share: 0.01 }, false)).toBe(true);
  });

  it('leaves rejects after a guessed start for the end', () => {
    expect(exceedsTolerance(totals(5, 10, 5), { count: 0 }, false)).toBe(false);
    expect(exceedsTolerance(totals(5, 10, 5), { count: 0 }, true)).toBe(true);
  });

  it('bears anything without a tolerance', () => {
    expect(exceedsTolerance(totals(10, 10), null, true)).toBe(false);
  });
});

describe('totals', () => {
  it('come back to where they were when what was added is taken away', () => {
    const a = { ...totals(1, 10), chunks: 2, bytes: 7, outBytes: 3 };
    const b = { ...totals(2, 20, 2), chunks: 1, bytes: 5, outBytes: 4, firstReject: 'x' };
    expect(subtractTotals(addTotals(a, b), b)).toEqual({ ...a, failed: 0, firstReject: undefined });
  });
});
