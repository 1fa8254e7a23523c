import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine('evolution');
});
afterAll(() => engine.stop());

type Row = Record<string, number | string | null>;

const pass = { use: 'pass' };
const sql = { use: 'sql', with: { map: 'select * from chunk' } };
const UNION = { evolution: 'union' };

async function csvFiles(folder: string, files: Array<{ columns: string[]; rows: Row[] }>): Promise<string> {
  for (const [i, { columns, rows }] of files.entries()) {
    const lines = [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ''))];
    await engine.write(`${folder}/${i}.csv`, lines.map((line) => `${line.join(',')}\n`).join(''));
  }
  return engine.at(`${folder}/*.csv`);
}

/** The year before the tax came; the year after, in another order; and one with neither. */
const files = [
  {
    columns: ['id', 'price'],
    rows: [
      { id: 1, price: 4 },
      { id: 2, price: 5 },
    ],
  },
  { columns: ['price', 'tax', 'id'], rows: [{ id: 3, price: 6.5, tax: 1 }] },
  { columns: ['id'], rows: [{ id: 4 }] },
];
const together = [
  { id: 1, price: 4, tax: null },
  { id: 2, price: 5, tax: null },
  { id: 3, price: 6.5, tax: 1 },
  { id: 4, price: null, tax: null },
];

describe('the union of files', () => {
  it.each([
    ['a processor', pass],
    ['SQL', sql],
  ])('has the columns of all, by name, for %s', async (_, process) => {
    const uri = await csvFiles('together', files);
    const { rows, counts } = await engine.run({ source: { uri, ...UNION }, process, options: { chunk: { bytes: 8 } } });
    expect(rows).toEqual(together);
    expect(counts).toMatchObject({ in: 4, used: 4 });
  });

  it.each([
    ['a processor', pass],
    ['SQL', sql],
  ])('of Parquet has them for %s too', async (_, process) => {
    for (const [i, { columns, rows }] of files.entries()) {
      await engine.run({
        source: { items: rows },
        process: { use: 'sql', with: { map: `select ${columns.join(', ')} from chunk` } },
        sink: { uri: engine.at(`parquet/${i}.parquet`), ifExists: 'replace' },
      });
    }
    const { rows } = await engine.run({ source: { uri: engine.at('parquet/*.parquet'), ...UNION }, process });
    expect(rows).toEqual(together);
  });

  it('is what the statement is checked against', async () => {
    const uri = await csvFiles('checked', files);
    const map = 'select id, price * (1 + tax) as gross from chunk where tax is not null';
    const { rows } = await engine.run({ source: { uri, ...UNION }, process: { use: 'sql', with: { map } } });
    expect(rows).toEqual([{ id: 3, gross: 13 }]);
  });

  it('takes declared types of columns that only some files have, and refuses those that none has', async () => {
    const uri = await csvFiles('declared', files);
    const source = (types: Row) => ({ source: { uri, ...UNION, csv: { types } }, process: pass });
    const { rows } = await engine.run(source({ tax: 'string' }));
    expect(rows![2]).toEqual({ id: 3, price: 6.5, tax: '1' });
    expect(await engine.fail(source({ taxes: 'int' }))).toMatchObject({ code: 'spec.invalid' });
  });

  it('reads a corrected record by the columns of its own file', async () => {
    await csvFiles('corrected', files);
    await engine.write('corrected/1.csv', 'price,tax,id\n6.5,1,3\n7,2\n8,3,5\n');
    const uri = engine.at('corrected/*.csv');
    const options = { rejects: { action: 'quarantine' } };
    const { id, rejected } = await engine.run({ source: { uri, ...UNION }, process: sql, options });
    expect(rejected).toMatchObject([{ code: 'row.column_count', raw: '7,2' }]);
    const { rows, state } = await engine.retried(id, [{ ...rejected[0]!, raw: '7,2,9' }]);
    expect(state).toBe('completed');
    expect(rows).toContainEqual({ id: 9, price: 7, tax: 2 });
  });

  it('holds whatever columns the files have', async () => {
    const names = ['a', 'b', 'c', '__proto__'];
    const file = fc
      .shuffledSubarray(names, { minLength: 1 })
      .chain((columns) =>
        fc.record({ columns: fc.constant(columns), rows: fc.array(fc.constant(null), { maxLength: 4 }) }),
      );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 4 }), async (drawn) => {
        let n = 0;
        const made = drawn.map(({ columns, rows }) => ({
          columns,
          rows: rows.map(() => Object.fromEntries(columns.map((name) => [name, (n += 1)]))),
        }));
        const all = [...new Set(made.flatMap(({ columns }) => columns))];
        const uri = await csvFiles(`drawn-${(run += 1)}`, made);
        const { rows } = await engine.run({ source: { uri, ...UNION }, process: pass });
        // A file without records knows no types.
        const texts = (given: ReadonlyArray<Record<string, unknown>>) =>
          given.map((row) =>
            all.map((name) => (Object.hasOwn(row, name) && row[name] !== null ? `${row[name] as number}` : null)),
          );
        expect(texts(rows!)).toEqual(texts(made.flatMap((one) => one.rows)));
      }),
      { numRuns: 12 },
    );
  });
});

describe('files that must be equal', () => {
  it('are refused where they are not, with what takes them', async () => {
    const uri = await csvFiles('strict', files);
    const { code, message } = await engine.fail({ source: { uri }, process: pass });
    expect(code).toBe('source.columns_differ');
    expect(message).toContain('source.evolution: union');
  });

  it('may be NDJSON, by the names of their first records, in any order', async () => {
    await engine.write('equal/1.ndjson', '{"a":1,"b":2}\n');
    await engine.write('equal/2.ndjson', '{"b":3,"a":4}\n');
    const source = { uri: engine.at('equal/*.ndjson'), evolution: 'strict' };
    expect((await engine.run({ source, process: pass })).rows).toEqual([
      { a: 1, b: 2 },
      { b: 3, a: 4 },
    ]);
    await engine.write('equal/3.ndjson', '{"a":1}\n');
    expect(await engine.fail({ source, process: pass })).toMatchObject({ code: 'source.columns_differ' });
  });
});
