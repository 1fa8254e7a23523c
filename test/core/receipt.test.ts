import { describe, expect, it } from 'vitest';
import { currentReceipts, keys, lastCommitted } from '../../src/core/receipt.js';
import type { Receipt } from '../../src/core/receipt.js';
import { NO_COUNTS } from '../../src/core/records.js';

const receipt = (from: number, to: number, generation = 0, asked?: number): Receipt => ({
  version: 1,
  from,
  to,
  asked,
  generation,
  attempt: 1,
  counts: NO_COUNTS,
  bytes: 0,
  guessed: false,
  spans: [],
});
const ranges = (receipts: Receipt[]) => receipts.map(({ from, to, generation }) => [from, to, generation]);

describe('currentReceipts', () => {
  it('are in order of chunks, of several generations the last one', () => {
    const all = [receipt(4, 8), receipt(0, 4), receipt(4, 8, 2), receipt(4, 8, 1)];
    expect(ranges(currentReceipts(all))).toEqual([
      [0, 4, 0],
      [4, 8, 2],
    ]);
  });

  it('are the halves of a range that was halved, though an attempt at the whole came to its end after all', () => {
    const expected = [
      [0, 4, 0],
      [4, 8, 0],
    ];
    expect(ranges(currentReceipts([receipt(0, 4), receipt(0, 8), receipt(4, 8)]))).toEqual(expected);
    expect(ranges(currentReceipts([receipt(0, 8), receipt(4, 8), receipt(0, 4)]))).toEqual(expected);
  });

  it('are the halves also where the attempt at the whole ended before them, as its time was up', () => {
    const all = [receipt(0, 1, 0, 8), receipt(0, 3, 0, 4), receipt(3, 4), receipt(4, 8)];
    const expected = [
      [0, 3, 0],
      [3, 4, 0],
      [4, 8, 0],
    ];
    expect(ranges(currentReceipts(all))).toEqual(expected);
    expect(ranges(currentReceipts(all.reverse()))).toEqual(expected);
  });
});

describe('the key of a receipt', () => {
  it('says what was asked for: of attempts that end at different chunks one is published', () => {
    expect(keys.receipt('j', receipt(0, 1, 0, 8))).toBe(keys.receipt('j', receipt(0, 8)));
    expect(keys.receipt('j', receipt(0, 1, 1, 8))).not.toBe(keys.receipt('j', receipt(0, 1, 0, 8)));
  });
});

describe('lastCommitted', () => {
  it('is the newest run that has committed, whatever else lies there', () => {
    const committed = (...runs: number[]) => runs.map((run) => keys.committed('j', run));
    const others = [keys.manifest('j'), keys.rejects('j'), keys.result('j', 'ndjson')];
    expect(lastCommitted([...committed(2, 0, 10), ...others].sort())).toBe(keys.committed('j', 10));
    expect(lastCommitted([...committed(0), ...others])).toBe(keys.committed('j'));
    expect(lastCommitted(others)).toBeNull();
  });
});
