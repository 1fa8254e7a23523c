import { describe, expect, it } from 'vitest';
import type { RecordBatch } from '../../../src/formats/reader.js';
import { paced } from '../../../src/processors/range/paced.js';

const SIZE = 25;

function batch(first: number): RecordBatch {
  const numbers = Array.from({ length: SIZE }, (_, i) => first + i);
  return {
    rows: numbers.map((n) => ({ n })),
    offsets: numbers,
    lines: numbers,
    records: numbers,
    rejects: [],
    position: first + SIZE,
    raw: (i) => `raw ${first + i}`,
  };
}

async function* batches(): AsyncGenerator<RecordBatch> {
  yield batch(0);
  yield batch(SIZE);
}

async function collect(perSecond: number | undefined, signal = new AbortController().signal) {
  const found: RecordBatch[] = [];
  for await (const one of paced(batches(), perSecond, signal)) found.push(one);
  return found;
}

describe('paced', () => {
  it('gives the batches as they are where there is no rate', async () => {
    expect((await collect(undefined)).map(({ rows }) => rows.length)).toEqual([SIZE, SIZE]);
  });

  it('gives every record once, in its place, in groups of a tenth of a second', async () => {
    const groups = await collect(100);
    expect(groups.map(({ rows }) => rows.length)).toEqual([10, 10, 5, 10, 10, 5]);
    const records = groups.flatMap(({ rows, offsets, lines, records, raw }) =>
      rows.map(({ n }, i) => [n, offsets![i], lines![i], records[i], raw(i)]),
    );
    expect(records).toEqual(Array.from({ length: 2 * SIZE }, (_, n) => [n, n, n, n, `raw ${n}`]));
  });

  it('never gives more than the rate allows', async () => {
    const began = performance.now();
    await collect(200);
    // The last group of five need not wait for its own time to pass.
    expect(performance.now() - began).toBeGreaterThanOrEqual(((2 * SIZE - 5) / 200) * 1000 - 5);
  });

  it('stops waiting when it is told to', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    expect((await collect(1, abort.signal)).length).toBe(1);
  });
});
