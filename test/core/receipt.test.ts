import fc from 'fast-check';
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

  it('cover every chunk once, wherever attempts ended, were halved, or came to an end though nobody waited for them', () => {
    /** What becomes of a range that is asked for: a share of its chunks is done, or it is halved; and how far a lost attempt came. */
    const fates = fc.infiniteStream(
      fc.record({ halved: fc.boolean(), share: fc.double({ min: 0, max: 1, noNaN: true }), lost: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fates, (chunks, stream) => {
        const all: Receipt[] = [];
        const ask = (from: number, to: number): void => {
          const { halved, share, lost } = stream.next().value as { halved: boolean; share: number; lost: boolean };
          const end = Math.min(to, from + 1 + Math.floor(share * (to - from)));
          const made = receipt(from, end, 0, end < to ? to : undefined);
          if (!halved || to - from === 1) {
            all.push(made);
            if (end < to) ask(end, to);
            return;
          }
          if (lost) all.push(made);
          const middle = (from + to) >> 1;
          ask(from, middle);
          ask(middle, to);
        };
        ask(0, chunks);
        const current = currentReceipts(all);
        expect(current.map(({ from }) => from)).toEqual([0, ...current.slice(0, -1).map(({ to }) => to)]);
        expect(current.at(-1)!.to).toBe(chunks);
      }),
    );
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
