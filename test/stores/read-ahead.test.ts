import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAhead } from '../../src/stores/read-ahead.js';

const MIB = 1024 * 1024;
const bytes = randomBytes(24 * MIB);

function open(until?: number, delay: () => Promise<unknown> = () => Promise.resolve()) {
  const asked: Array<[start: number, end: number]> = [];
  const source = readAhead(
    bytes.length,
    async (start, into) => {
      asked.push([start, start + into.length]);
      await delay();
      bytes.copy(into, 0, start);
    },
    until,
  );
  return { source, asked };
}

/** Reads `[start, end)` in order, as readers of records do: each time from within what was read before. */
async function inOrder(source: ReturnType<typeof open>['source'], start: number, end: number, block = 500_000) {
  for (let at = start; at < end;) {
    const found = await source.read(at, Math.min(at + block, end));
    expect(found.equals(bytes.subarray(at, at + found.length))).toBe(true);
    at += found.length - (at + found.length < end ? 17 : 0);
  }
}

describe('reading ahead', () => {
  it('asks for few pieces, and for nothing behind the place that will be read to', async () => {
    const { source, asked } = open(12 * MIB);
    await inOrder(source, 3 * MIB, 12 * MIB);
    expect(asked.length).toBeLessThan(8);
    expect(Math.max(...asked.map(([, end]) => end))).toBe(12 * MIB);
    // A record may end behind it.
    await inOrder(source, 12 * MIB - 100, 12 * MIB + 1000);
  });

  it('asks for exactly what is read where nothing will be read in order', async () => {
    const { source, asked } = open(0);
    await inOrder(source, 100, 2_000_000, 400_000);
    expect(Math.max(...asked.map(([, end]) => end))).toBe(2_000_000);
    expect(asked.every(([start, end]) => end - start <= 400_000)).toBe(true);
  });

  it('gives the bytes of the place, whatever is read, by how many at once, and dropped before it came', async () => {
    const place = fc.nat(bytes.length - 1);
    const read = fc.record({ start: place, length: fc.integer({ min: 1, max: 3 * MIB }), follows: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ reads: fc.array(read, { maxLength: 8 }), until: fc.option(place), late: fc.boolean() }), {
          minLength: 1,
          maxLength: 4,
        }),
        async (sources) => {
          const one = async ({ reads, until, late }: (typeof sources)[number]) => {
            const { source } = open(until ?? undefined, () => (late ? sleep(1) : Promise.resolve()));
            let end = 0;
            for (const { start: anywhere, length, follows } of reads) {
              const start = follows ? Math.max(0, end - 5) : anywhere;
              end = Math.min(start + length, bytes.length);
              const found = await source.read(start, end);
              expect(found.equals(bytes.subarray(start, end))).toBe(true);
            }
            await source.close();
          };
          await Promise.all(sources.map(one));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('tells a fault to who reads the piece, and reads it again', async () => {
    let broken = true;
    const source = readAhead(bytes.length, async (start, into) => {
      await Promise.resolve();
      if (broken && start > 2 * MIB) throw new Error('broken');
      bytes.copy(into, 0, start);
    });
    await expect(inOrder(source, 0, 8 * MIB)).rejects.toThrow('broken');
    broken = false;
    await inOrder(source, 0, 8 * MIB);
  });
});
