import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../helpers/engine.js';
import type { Engine, Finished } from '../../helpers/engine.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine('same-bytes');
});
afterAll(() => engine.stop());

let jobs = 0;

/** What a job over a CSV file writes as NDJSON. */
async function convert(
  source: string,
  chunk: unknown,
  process: unknown = { use: 'pass' },
): Promise<Finished & { text: string }> {
  const sink = `out/${jobs++}.ndjson`;
  const finished = await engine.run({
    source: { uri: source },
    process,
    sink: { uri: engine.at(sink) },
    options: { chunk },
  });
  return { ...finished, text: await engine.read(sink) };
}

const sql = { use: 'sql', with: { map: 'select * from chunk' } };

describe('the same plan gives the same bytes', () => {
  let plain: string;
  let expected: string;
  beforeAll(async () => {
    const rows = Array.from({ length: 1500 }, (_, i) => ({ id: i, name: `name ${i % 17}`, price: i / 8 + 0.01 }));
    plain = await engine.write('plain.csv', csv(rows));
    expected = ndjson(rows);
  });

  it.each([
    ['one chunk', 'auto', 1],
    ['chunks of 10 KiB', { bytes: '10KiB' }, 4],
    ['chunks of 1 KiB', { bytes: '1KiB' }, 31],
  ])('for %s', async (_, chunk, chunks) => {
    const processed = await convert(plain, chunk);
    expect(processed.text).toBe(expected);
    expect(processed.chunks).toBe(chunks);
    expect((await convert(plain, chunk, sql)).text).toBe(expected);
  });
});

describe('quoted line ends across chunk borders', () => {
  it.each([64, 101, 250, 500])('are read as one record in chunks of %i bytes', async (bytes) => {
    const texts = ['two\nlines', 'a "quoted" word', '\n\n', 'x,y\r\n1,2', '"', '', 'a plain one', '\n"3",4\n'];
    const rows = Array.from({ length: 120 }, (_, i) => ({
      id: i,
      text: texts[(i * 7) % texts.length]!,
      last: i % 2 === 0,
    }));
    const file = await engine.write(`nasty-${bytes}.csv`, csv(rows));
    const { text, counts, receipts } = await convert(file, { bytes });
    expect(text).toBe(ndjson(rows));
    expect(counts.in).toBe(120);
    expect(receipts.length).toBeGreaterThan(4);
    expect((await convert(file, { bytes }, sql)).text).toBe(ndjson(rows));
  });
});

describe('a field that looks like records', () => {
  // More than the reader looks ahead for a guess, so that "these are records" is what it must believe.
  const lines = Array.from({ length: 9000 }, (_, i) => `${i},looks like a record`).join('\n');
  const rows = [
    { id: 1, text: 'before' },
    { id: 2, text: lines },
    { id: 3, text: 'after' },
  ];

  it.each([
    ['a processor', { use: 'pass' }],
    ['sql', sql],
  ])('is found out by %s, and its ranges are read again', async (_, process) => {
    const file = await engine.write('records-inside.csv', csv(rows));
    const { text, receipts, counts } = await convert(file, { bytes: '32KiB' }, process);
    expect(text).toBe(ndjson(rows));
    expect(counts).toEqual({ in: 3, used: 3, filtered: 0, rejected: 0, out: 3 });
    const again = receipts.filter(({ generation }) => generation > 0);
    expect(again.length).toBeGreaterThan(2);
    expect(receipts.filter(({ guessed, generation }) => guessed && generation === 0).length).toBeGreaterThan(2);
  });

  it('does not fail the job for the rejects of a wrong guess', async () => {
    const typed = [{ id: 1, text: '1', n: 5 }, ...[2, 3].map((id) => ({ id, text: `${lines}\n`, n: 6 }))];
    const text = csv(typed).replaceAll('looks like a record', 'two,words');
    const file = await engine.write('rejects-inside.csv', text);
    const { counts } = await convert(file, { bytes: '32KiB' });
    expect(counts).toMatchObject({ in: 3, used: 3, rejected: 0 });
  });
});

function csv(rows: Array<Record<string, unknown>>): string {
  const cell = (value: unknown) => (typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value));
  const lines = rows.map((row) => Object.values(row).map(cell).join(','));
  return [Object.keys(rows[0]!).join(','), ...lines, ''].join('\n');
}

function ndjson(rows: unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
