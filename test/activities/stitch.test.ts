import { describe, expect, it } from 'vitest';
import { findRestarts } from '../../activities/stitch.js';
import type { SourceFile } from '../../src/core/plan.js';
import type { Receipt, ReceiptSpan } from '../../src/core/receipt.js';
import { NO_COUNTS } from '../../src/core/records.js';

const files = [{ dataStart: 10 }, { dataStart: 0 }] as SourceFile[];

function receipt(from: number, ...spans: Array<[file: number, first: number, end: number]>): Receipt {
  const described = spans.map(([file, first, end]): ReceiptSpan => ({ file, first, end, lines: 0, records: 0 }));
  return {
    version: 1,
    from,
    to: from + 1,
    generation: 0,
    attempt: 1,
    counts: NO_COUNTS,
    bytes: 0,
    guessed: true,
    spans: described,
  };
}

function starts(...receipts: Receipt[]): Array<[from: number, start: number]> {
  return findRestarts({ files }, receipts).map(({ from, start }) => [from, start]);
}

describe('findRestarts', () => {
  it('finds nothing where the ranges join', () => {
    expect(starts(receipt(0, [0, 10, 50]), receipt(1, [0, 50, 90], [1, 0, 30]), receipt(2, [1, 30, 60]))).toEqual([]);
  });

  it('names the true start of a range that does not join', () => {
    expect(starts(receipt(0, [0, 10, 50]), receipt(1, [0, 55, 90]))).toEqual([[1, 50]]);
  });

  it('does not judge a range by the end of one that is run again', () => {
    expect(
      starts(receipt(0, [0, 10, 50]), receipt(1, [0, 55, 91]), receipt(2, [0, 90, 120]), receipt(3, [0, 125, 130])),
    ).toEqual([
      [1, 50],
      [3, 120],
    ]);
  });

  it('judges a new file by its own start', () => {
    expect(starts(receipt(0, [0, 12, 50]), receipt(1, [1, 0, 90]))).toEqual([[0, 10]]);
  });

  it('raises the generation', () => {
    const [restart] = findRestarts({ files }, [receipt(0, [0, 10, 50]), { ...receipt(1, [0, 55, 90]), generation: 2 }]);
    expect(restart).toMatchObject({ from: 1, to: 2, generation: 3 });
  });
});
