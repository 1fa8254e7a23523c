import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunksPerActivity, laneCount, rowBorders, textChunkBytes } from '../../src/core/chunking.js';
import { MAX_ACTIVITIES, MAX_LANES } from '../../src/core/window.js';

const MIB = 1024 * 1024;
const threads = fc.integer({ min: 1, max: 64 });

describe('textChunkBytes', () => {
  it('takes a small source as one chunk', () => {
    expect(textChunkBytes('auto', 3 * MIB, 40, 2)).toBe(3 * MIB);
  });

  it('gives each thread the same number of chunks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8 * MIB, max: 50_000 * MIB }), threads, (bytes, n) => {
        const chunks = Math.ceil(bytes / textChunkBytes('auto', bytes, 40, n));
        expect(chunks === 1 || chunks % n === 0).toBe(true);
      }),
    );
  });

  it('never makes an automatic chunk larger than 96 MiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 * MIB }), threads, (bytes, n) => {
        expect(textChunkBytes('auto', bytes, 40, n)).toBeLessThanOrEqual(96 * MIB);
      }),
    );
  });

  it('obeys bytes, and rows by the size of a record', () => {
    expect(textChunkBytes({ bytes: 1000 }, 1e9, 40, 2)).toBe(1000);
    expect(textChunkBytes({ rows: 10_000 }, 1e9, 40.5, 2)).toBe(405_000);
  });
});

describe('rowBorders', () => {
  const groups = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 200 });

  it('covers every row once, at row group borders', () => {
    fc.assert(
      fc.property(groups, threads, (rows, n) => {
        const starts = rows.reduce((all, count) => [...all, all.at(-1)! + count], [0]);
        const borders = rowBorders(
          'auto',
          starts,
          rows.map((count) => count * 10),
          n,
        );
        expect(borders[0]).toBe(0);
        expect(borders.at(-1)).toBe(starts.at(-1));
        expect(borders.every((row, i) => starts.includes(row) && (i === 0 || row > borders[i - 1]!))).toBe(true);
      }),
    );
  });

  it('cuts at exactly the rows that are asked for', () => {
    expect(rowBorders({ rows: 400 }, [0, 700, 1000], [1, 1], 2)).toEqual([0, 400, 800, 1000]);
  });

  it('gives an empty file one empty chunk', () => {
    expect(rowBorders('auto', [0], [], 2)).toEqual([0, 0]);
  });

  it('takes several small row groups together but leaves work for every thread', () => {
    const starts = Array.from({ length: 12 }, (_, i) => i * 272_727);
    expect(rowBorders('auto', starts, new Array<number>(11).fill(1_230_000), 2).length - 1).toBe(4);
  });
});

describe('chunksPerActivity', () => {
  it('bounds the number of activities whatever the number of chunks', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000_000 }),
        fc.integer({ min: 0, max: 1e12 }),
        threads,
        (chunks, bytes, n) => {
          const per = chunksPerActivity(chunks, bytes, n);
          expect(per).toBeGreaterThanOrEqual(1);
          expect(Math.ceil(chunks / per)).toBeLessThanOrEqual(MAX_ACTIVITIES);
        },
      ),
    );
  });

  it('takes big chunks one by one and small ones together', () => {
    expect(chunksPerActivity(12, 12 * 64 * MIB, 2)).toBe(1);
    expect(chunksPerActivity(10_000, 10_000 * 64 * 1024, 2)).toBe(128);
    expect(chunksPerActivity(1_000_000, 1_000_000 * 8, 2)).toBe(1000);
    expect(chunksPerActivity(100_000, 100_000 * MIB, 2)).toBe(128);
  });
});

describe('laneCount', () => {
  it('is two for each thread, at least four, and bounded', () => {
    expect(laneCount('auto', 1)).toBe(4);
    expect(laneCount('auto', 8)).toBe(16);
    expect(laneCount(1, 8)).toBe(1);
    expect(laneCount(10_000, 8)).toBe(MAX_LANES);
  });
});
