import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, Row } from '../../src/core/records.js';
import { inferNdjsonTable } from '../../src/formats/ndjson-infer.js';
import { ndjsonRangeReader } from '../../src/formats/ndjson-reader.js';
import { ndjsonLines } from '../../src/formats/ndjson-writer.js';
import { bytesOf, endlessBytes } from '../helpers/bytes.js';
import { readAll, readInRanges } from '../helpers/ranges.js';

function read(content: string | Buffer, columns?: Column[], limits?: { maxRecordBytes?: number; blockBytes?: number }) {
  const source = bytesOf(content);
  return readAll(
    ndjsonRangeReader(source, { start: 0, end: source.size, exact: true, label: 'x', chunk: 0 }, { columns }, limits),
  );
}

const jsonRow = fc.dictionary(
  fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('__proto__', 'toString', '},{')),
  fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('},{', '}\n{', '\uE000int:1', '\u2028', 'é漢😀'),
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
  ),
  { maxKeys: 4 },
);

/** What a reader gives back: numbers whose digits it can keep, bigints for the rest; -0 is 0 in JSON. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Object.is(value, -0)) return 0;
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(String(value)))
    return BigInt(String(value));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([key, inner]) => [key, plain(inner)]);
}

describe('ndjsonLines and ndjsonRangeReader', () => {
  it('read back what was written, in ranges and blocks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(jsonRow, { maxLength: 8 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 40 }),
        async (rows, rangeBytes, blockBytes) => {
          const text = ndjsonLines(rows);
          expect(text.split('\n')).toHaveLength(rows.length + 1);
          const source = bytesOf(text);
          const joined = await readInRanges(source.size, 0, rangeBytes, (range) =>
            ndjsonRangeReader(source, range, {}, { blockBytes, batchRows: 2 }),
          );
          expect(joined.rows.map(plain)).toEqual(rows.map(plain));
          expect(joined.rejects).toEqual([]);
          expect(joined.repeated).toBe(0);
        },
      ),
      { numRuns: 1500, seed: 18 },
    );
  }, 60_000);

  it('writes bigints as digits and what JSON cannot say as null', () => {
    expect(ndjsonLines([{ a: 12345678901234567890n, b: [1n], c: NaN, d: -Infinity }, { a: undefined }])).toBe(
      '{"a":12345678901234567890,"b":[1],"c":null,"d":null}\n{}\n',
    );
    expect(ndjsonLines([])).toBe('');
  });
});

describe('ndjsonRangeReader', () => {
  it('names place and reason of each bad line and reads on', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const lines = [
      '{"a":1}',
      '',
      '  \t',
      '[1]',
      'null',
      '"x"',
      '{"a":',
      '{"a":01}',
      `{"a":${deep}}`,
      `{"a":${'['.repeat(500)}`,
      '{"a":1,"a":2}',
      '{"a":3}\r',
    ];
    const { rows, rejects, lines: at, records, raws } = await read(lines.join('\n'));
    expect(rows).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
    expect(at).toEqual([1, 11, 12]);
    expect(records).toEqual([1, 9, 10]);
    expect(raws[1]).toBe('{"a":1,"a":2}');
    expect(rejects.map(({ code, line }) => [code, line])).toEqual([
      ['row.not_an_object', 4],
      ['row.not_an_object', 5],
      ['row.not_an_object', 6],
      ['row.json', 7],
      ['row.json', 8],
      ['row.too_deep', 9],
      ['row.json', 10],
    ]);
    expect(rejects[0]).toMatchObject({
      offset: 13,
      raw: '[1]',
      message: expect.stringContaining('found array') as string,
    });
  });

  it('keeps long integers digit for digit, and no other text for one', async () => {
    const text =
      '{"a":12345678901234567890,"b":"\\ue000int:12345678901234567890","c":[-9007199254740993],"d":1234567890123456}\n';
    const { rows } = await read(text);
    expect(rows).toEqual([
      { a: 12345678901234567890n, b: '\uE000int:12345678901234567890', c: [-9007199254740993n], d: 1234567890123456 },
    ]);
    expect(
      (await read('{"a":01234567890123456789}\n{"a":1e1234567890123456789}\n')).rejects.map(({ code }) => code),
    ).toEqual(['row.json']);
  });

  it('keeps __proto__ a plain key', async () => {
    const { rows } = await read('{"__proto__":{"x":1}}\n{"__proto__":{"x":12345678901234567890}}\n');
    expect(rows.map((row) => Object.keys(row))).toEqual([['__proto__'], ['__proto__']]);
    expect(({} as Row).x).toBeUndefined();
  });

  it('rejects invalid UTF-8 by its offset', async () => {
    const { rows, rejects } = await read(Buffer.from('{"a":"\xc3\xa9"}\n{"a":"\xff"}\n{"a":"b"}', 'latin1'));
    expect(rows).toEqual([{ a: 'é' }, { a: 'b' }]);
    expect(rejects).toMatchObject([{ code: 'row.encoding', offset: 11, line: 2 }]);
  });

  it('rejects a value that does not fit its column', async () => {
    const columns: Column[] = [
      { name: 'n', type: 'int' },
      { name: 'd', type: 'date' },
    ];
    const { rows, rejects } = await read(
      '{"n":1,"d":"2024-02-29"}\n{"n":1.5}\n{"d":"2023-02-29"}\n{"n":null}\n{}\n{"n":9223372036854775808}\n',
      columns,
    );
    expect(rows).toEqual([{ n: 1, d: '2024-02-29' }, { n: null }, {}]);
    expect(rejects.map(({ code, line }) => [code, line])).toEqual([
      ['row.type', 2],
      ['row.type', 3],
      ['row.type', 6],
    ]);
  });

  it('gives a float column numbers, however many digits they have', async () => {
    const { rows } = await read('{"x":12345678901234567890}\n', [{ name: 'x', type: 'float' }]);
    expect(rows).toEqual([{ x: 12345678901234567000 }]);
  });

  it('rejects a line beyond the limit, however far it goes', async () => {
    const { rows, rejects } = await read(`{"a":1}\n{"a":"${'x'.repeat(90)}"}\n{"a":2}\n`, undefined, {
      maxRecordBytes: 20,
      blockBytes: 16,
    });
    expect(rows).toEqual([{ a: 1 }, { a: 2 }]);
    expect(rejects).toMatchObject([{ code: 'row.too_large', offset: 8, line: 2 }]);

    const source = endlessBytes(1024 ** 3, 97);
    const range = { start: 0, end: 64e6, exact: true, label: 'x', chunk: 0 };
    const endless = await readAll(ndjsonRangeReader(source, range));
    expect(endless.rejects).toMatchObject([{ code: 'row.too_large', offset: 0 }]);
    expect(endless.span.end).toBe(source.size);
  }, 30_000);
});

describe('inferNdjsonTable', () => {
  it('settles columns in first-seen order', async () => {
    const rows = [
      { id: 1, x: 1, day: '2024-01-01', mixed: 1, nested: { a: 1 }, none: null },
      { id: 2, x: 1.5, day: '2024-01-02', mixed: 'a', nested: [1], none: null, late: true },
    ];
    const table = await inferNdjsonTable(bytesOf(`\uFEFF${ndjsonLines(rows)}oops\n`), 'x.ndjson');
    expect(table.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'id int',
      'x float',
      'day date',
      'mixed string',
      'nested json',
      'none string',
      'late bool',
    ]);
    expect(table).toMatchObject({ dataStart: 3, headLines: 0, sampleRows: rows });
    expect(table.warnings[0]).toContain('x.ndjson: 1 of 3 sampled records');
  });
});
