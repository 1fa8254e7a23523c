import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, ColumnType, Row } from '../../src/core/records.js';
import type { CsvOptions } from '../../src/core/spec.js';
import { readCsvHead } from '../../src/formats/csv-infer.js';
import { csvRangeReader } from '../../src/formats/csv-reader.js';
import { createCsvWriter, csvHeader } from '../../src/formats/csv-writer.js';
import { bytesOf } from '../helpers/bytes.js';
import { readAll } from '../helpers/ranges.js';

describe('createCsvWriter', () => {
  it('writes each kind of value', () => {
    const write = createCsvWriter(['a', 'b']);
    expect(
      write([
        { a: null, b: '' },
        { a: 'x,"y"\n', b: 1.5 },
        { a: 12345678901234567890n, b: true },
        { b: { n: [1n, 'é'] }, c: 1 },
        { a: NaN, b: -Infinity },
      ]),
    ).toBe(',""\n"x,""y""\n",1.5\n12345678901234567890,true\n,"{""n"":[1,""é""]}"\nnan,-inf\n');
    expect(csvHeader(['a', 'b,c'])).toBe('a,"b,c"\n');
    expect(createCsvWriter(['a', 'b'], { delimiter: '-', quote: "'" })([{ a: -1, b: "it's" }])).toBe("'-1'-'it''s'\n");
  });

  const value: Record<string, fc.Arbitrary<unknown>> = {
    int: fc.oneof(fc.integer(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n })),
    float: fc.double().map((n) => (n === 0 ? 0 : n)),
    bool: fc.boolean(),
    string: fc.string({
      unit: fc.constantFrom('a', ',', ';', '"', "'", '\n', '\r', ' ', 'é', '😀', '\uFEFF', '^', ']', '-'),
      maxLength: 5,
    }),
  };
  const table = fc
    .array(fc.constantFrom<ColumnType>('int', 'float', 'bool', 'string'), { minLength: 1, maxLength: 4 })
    .chain((types) =>
      fc.tuple(
        fc.constant(types),
        fc.array(fc.tuple(...types.map((type) => fc.option(value[type]!))), { maxLength: 6 }),
      ),
    );

  it('writes what csvRangeReader reads back', async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(',', ';', '\t', '|', '^', ']', '-'),
        fc.constantFrom('"', "'"),
        async ([types, values], delimiter, quote) => {
          const columns = types.map((type, i): Column => ({ name: `${delimiter}${quote}${i}`, type }));
          const names = columns.map(({ name }) => name);
          const rows = values.map((fields): Row => Object.fromEntries(fields.map((field, i) => [names[i]!, field])));
          const text = csvHeader(names, { delimiter, quote }) + createCsvWriter(names, { delimiter, quote })(rows);
          const csv: CsvOptions = { delimiter, quote, header: true, nullValues: [''], types: {} };
          const source = bytesOf(text);
          const head = readCsvHead(await source.read(0, source.size), source.size, csv);
          expect(head.names).toEqual(names);
          const range = { start: head.dataStart, end: source.size, exact: true, label: 'x', chunk: 0 };
          const read = await readAll(csvRangeReader(source, range, { columns, csv }));
          expect(read.rejects).toEqual([]);
          expect(read.rows).toEqual(rows);
        },
      ),
      { numRuns: 1500, seed: 9 },
    );
  }, 60_000);
});
