import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChunkRow, ChunkState } from '../../src/core/chunk-view.js';
import { stripCells, throughput } from '../../src/dashboard/chunk-strip.js';

const row = (from: number, to: number, state: ChunkState, more: Partial<ChunkRow> = {}): ChunkRow => ({
  from,
  to,
  state,
  attempt: null,
  counts: null,
  bytes: 0,
  endedAt: null,
  error: null,
  ...more,
});

describe('the strip of chunks', () => {
  it('has a cell for each chunk where there is room', () => {
    expect(stripCells([row(0, 2, 'done'), row(2, 3, 'running')]).map(({ state }) => state)).toEqual([
      'done',
      'done',
      'running',
    ]);
  });

  it('shows one failed chunk among a hundred thousand', () => {
    const cells = stripCells([row(0, 50_000, 'done'), row(50_000, 50_001, 'failed'), row(50_001, 100_000, 'pending')]);
    expect(cells.length).toBe(360);
    expect(cells.filter(({ state }) => state === 'failed')).toHaveLength(1);
    expect(cells.find(({ state }) => state === 'failed')!.from).toBeLessThanOrEqual(50_000);
  });

  it('tells a cell that is partly done from one that waits', () => {
    expect(stripCells([row(0, 1, 'done'), row(1, 4, 'pending')], 2).map(({ state }) => state)).toEqual([
      'part',
      'pending',
    ]);
  });

  it('covers every chunk once, for any number of chunks and cells', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 })), fc.integer({ min: 1, max: 40 }), (sizes, most) => {
        let at = 0;
        const rows = sizes.map((size) => row(at, (at += size), 'done'));
        const cells = stripCells(rows, most);
        expect(cells.map(({ from }) => from)).toEqual([0, ...cells.map(({ to }) => to)].slice(0, cells.length));
        expect(cells.at(-1)?.to ?? 0).toBe(at);
      }),
    );
  });
});

describe('the throughput', () => {
  const ended = (second: number, records: number) =>
    row(second, second + 1, 'done', {
      endedAt: new Date(second * 1000).toISOString(),
      counts: { in: records, used: records, filtered: 0, rejected: 0, out: records },
    });

  it('is records a second, in equal spans of time', () => {
    expect(throughput([ended(1, 100), ended(3, 20), ended(10, 40)], 0, 10_000, 5)).toEqual([50, 10, 0, 0, 20]);
  });

  it('is not told of one chunk, or of no time', () => {
    expect(throughput([ended(1, 100)], 0, 10_000)).toEqual([]);
    expect(throughput([ended(1, 100), ended(2, 1)], 5000, 5000)).toEqual([]);
  });
});
