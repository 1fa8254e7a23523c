import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkRows, rowOfReceipt } from '../../src/core/chunk-view.js';
import type { ChunkRow } from '../../src/core/chunk-view.js';
import type { Receipt } from '../../src/core/receipt.js';

const counts = { in: 3, used: 2, filtered: 0, rejected: 1, out: 2 };
const receipt: Receipt = {
  version: 1,
  from: 0,
  to: 2,
  generation: 0,
  attempt: 1,
  endedAt: '2026-01-01T00:00:00.000Z',
  counts,
  bytes: 10,
  guessed: false,
  spans: [],
};
const short = (rows: readonly ChunkRow[]) => rows.map(({ from, to, state }) => `${from}-${to} ${state}`);

describe('the chunks of a job', () => {
  it('are done or failed as their receipts say, at work as the server says, and else wait', () => {
    const failed = { code: 'processor.failed', message: 'no' };
    const ended = [receipt, { ...receipt, from: 6, to: 8, attempt: 0, failed }].map(rowOfReceipt);
    const error = { code: 'x.y', message: 'the first time' };
    const rows = chunkRows(10, ended, [{ from: 2, to: 4, attempt: 2, error }]);
    expect(short(rows)).toEqual(['0-2 done', '2-4 running', '4-6 pending', '6-8 failed', '8-10 pending']);
    expect(rows[0]).toMatchObject({ attempt: 1, counts, bytes: 10, endedAt: receipt.endedAt, error: null });
    expect(rows[1]).toMatchObject({ attempt: 2, counts: null, endedAt: null, error });
    expect(rows[3]).toMatchObject({ attempt: null, counts: null, error: failed });
  });

  it('are at work where a retry runs them again', () => {
    expect(short(chunkRows(4, [rowOfReceipt(receipt)], [{ from: 0, to: 2, attempt: 1, error: null }]))).toEqual([
      '0-2 running',
      '2-4 pending',
    ]);
  });

  it('are none while nobody knows how many there are', () => {
    expect(chunkRows(0, [], [])).toEqual([]);
  });

  it('are each in one row, in order, whatever is told of them', () => {
    const range = fc
      .tuple(fc.nat(60), fc.integer({ min: 1, max: 9 }))
      .map(([from, size]) => ({ from, to: from + size }));
    fc.assert(
      fc.property(fc.nat(60), fc.array(range), fc.array(range), (total, ended, running) => {
        const rows = chunkRows(
          total,
          ended.map((one) => rowOfReceipt({ ...receipt, ...one })),
          running.map((one) => ({ ...one, attempt: 1, error: null })),
        );
        let next = 0;
        for (const { from, to } of rows) {
          expect(from).toBe(next);
          expect(to).toBeGreaterThan(from);
          next = to;
        }
        expect(next).toBe(total);
      }),
    );
  });
});
