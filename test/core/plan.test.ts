import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkAt, fileOfChunk } from '../../src/core/plan.js';
import type { Plan, SourceFile } from '../../src/core/plan.js';

function textPlan(sizes: number[], chunkBytes: number): Plan {
  let firstChunk = 0;
  const files = sizes.map((size, i): SourceFile => {
    const chunkCount = Math.max(1, Math.ceil(size / chunkBytes));
    const pin = { size, mtimeMs: 0, inode: i };
    const file = { uri: `/${i}`, label: `${i}`, size, pin, firstChunk, chunkCount, dataStart: 0, headLines: 0 };
    firstChunk += chunkCount;
    return file;
  });
  return { format: 'csv', files, chunkBytes, chunkCount: firstChunk } as unknown as Plan;
}

describe('chunkAt', () => {
  it('tiles every file of a text source, byte for byte', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 3_000 }), (bytes, chunkBytes) => {
        const plan = textPlan(bytes, chunkBytes);
        const ends = new Array<number>(bytes.length).fill(0);
        let tiles = true;
        for (let i = 0; i < plan.chunkCount; i++) {
          const chunk = chunkAt(plan, i);
          if (chunk.kind !== 'bytes') throw new Error('wanted bytes');
          tiles &&= chunk.file === fileOfChunk(plan.files, i) && chunk.start === ends[chunk.file];
          ends[chunk.file] = chunk.end;
        }
        expect(tiles).toBe(true);
        expect(ends).toEqual(bytes);
      }),
    );
  });

  it('starts a file after its header', () => {
    const plan = textPlan([100], 40);
    plan.files[0]!.dataStart = 20;
    plan.files[0]!.chunkCount = 2;
    plan.chunkCount = 2;
    expect([chunkAt(plan, 0), chunkAt(plan, 1)]).toMatchObject([
      { start: 20, end: 60 },
      { start: 60, end: 100 },
    ]);
  });

  it('refuses a chunk that the plan does not have', () => {
    expect(() => chunkAt(textPlan([100], 40), 3)).toThrow('chunk 3 of 3');
  });
});
