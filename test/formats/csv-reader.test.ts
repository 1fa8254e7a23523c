import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, ColumnType } from '../../src/core/records.js';
import type { CsvOptions } from '../../src/core/spec.js';
import { readCsvHead } from '../../src/formats/csv-infer.js';
import { copyCsvRange } from '../../src/formats/csv-range.js';
import { csvRangeReader, type ReadLimits } from '../../src/formats/csv-reader.js';
import { countLines } from '../../src/formats/lines.js';
import { bytesOf, endlessBytes } from '../helpers/bytes.js';
import { readAll, readInRanges } from '../helpers/ranges.js';

const CSV: CsvOptions = { delimiter: ',', quote: '"', header: false, nullValues: [''], types: {} };

const columnsOf = (...types: ColumnType[]): Column[] =>
  types.map((type, i) => ({ name: String.fromCharCode(97 + i), type }));

function read(content: string | Buffer, columns: Column[], limits?: ReadLimits, csv = CSV) {
  const source = bytesOf(content);
  const range = { start: 0, end: source.size, exact: true, label: 'test.csv', chunk: 3 };
  return readAll(csvRangeReader(source, range, { columns, csv }, limits));
}

const values = (rows: Record<string, unknown>[]) => rows.map((row) => Object.values(row));

describe('csvRangeReader: ranges', () => {
  const field = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', '7', ',', '"', '\n', '\r', ' ', 'é', '漢', '😀'), maxLength: 6 }),
    fc.constantFrom('', 'x', '"', '\n', ',"', '\r\n', '"\n"'),
  );
  const file = fc
    .record({
      width: fc.integer({ min: 2, max: 4 }),
      lineEnds: fc.constantFrom(['\n'], ['\r\n'], ['\r'], ['\n', '\r\n', '\r']),
      mark: fc.boolean(),
      header: fc.boolean(),
      finalEnd: fc.boolean(),
    })
    .chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        records: fc.array(
          fc.record({
            fields: fc.array(fc.tuple(field, fc.boolean()), { minLength: shape.width, maxLength: shape.width }),
            end: fc.constantFrom(...shape.lineEnds),
            blanks: fc.constantFrom(0, 0, 0, 1, 2),
          }),
          { maxLength: 12 },
        ),
      }),
    )
    .map(({ shape, records }) => {
      const written = records.map(({ fields, end, blanks }, i) => {
        const text = fields.map(([value, quotes]) =>
          quotes || /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value,
        );
        const isLast = i === records.length - 1;
        return text.join(',') + (isLast && !shape.finalEnd ? '' : end + end.repeat(blanks));
      });
      const head =
        (shape.mark ? '\uFEFF' : '') +
        (shape.header
          ? `"na""me,1",second,third,fourth`
              .split(',')
              .slice(0, shape.width + 1)
              .join(',') + shape.lineEnds[0]
          : '');
      return { text: head + written.join(''), header: shape.header, width: shape.width };
    });

  it('gives the rows of one sequential csv-parse pass, in order, for any range size and block size', async () => {
    await fc.assert(
      fc.asyncProperty(
        file,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 40 }),
        async ({ text, header, width }, part, blockBytes) => {
          const bytes = Buffer.from(text);
          const source = bytesOf(bytes);
          const csv = { ...CSV, header, columns: Array.from({ length: width }, (_, i) => `c${i}`) };
          const { names, dataStart } = readCsvHead(await source.read(0, source.size), source.size, csv);
          const columns = names.map((name): Column => ({ name, type: 'string' }));
          const rangeBytes = Math.max(1, Math.round(part * source.size));
          const limits = { blockBytes, batchRows: 3 };
          const joined = await readInRanges(source.size, dataStart, rangeBytes, (range) =>
            csvRangeReader(source, range, { columns, csv }, limits),
          );

          const oracle = parse(text, {
            bom: true,
            skip_empty_lines: true,
            record_delimiter: ['\r\n', '\n', '\r'],
            cast: (value, { quoting }) => (value === '' && !quoting ? null : value) as string,
          }) as unknown as (string | null)[][];
          expect(values(joined.rows)).toEqual(header ? oracle.slice(1) : oracle);
          expect(joined.rejects).toEqual([]);
          expect(joined.ranges.reduce((sum, range) => sum + range.span.lines, 0)).toBe(
            await countLines(source, dataStart, source.size),
          );
          for (const range of joined.ranges) {
            for (const [i, offset] of range.offsets.entries()) {
              const before = bytes.toString('latin1', range.span.first, offset);
              expect(range.lines[i]).toBe(1 + before.split(/\r\n|\r|\n/).length - 1);
            }
          }
        },
      ),
      { numRuns: 1000, seed: 14 },
    );
  }, 120_000);

  const anyBytes = fc.oneof(
    fc
      .array(fc.constantFrom('a', '1', ',', '"', '""', '\n', '\r', '\r\n', 'é', '\n\n', 'a,b\n', '"a\nb",c\n'), {
        maxLength: 30,
      })
      .map((parts) => Buffer.from(parts.join(''))),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  );

  it('covers any bytes whatever, the same in one range as in many: each record read or rejected once', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyBytes,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 20 }),
        async (bytes, rangeBytes, blockBytes, maxRecordBytes) => {
          const source = bytesOf(bytes);
          const open = (limits: ReadLimits) => (range: Parameters<typeof csvRangeReader>[1]) =>
            csvRangeReader(
              source,
              range,
              { columns: columnsOf('int', 'string'), csv: CSV },
              { maxRecordBytes, ...limits },
            );
          const whole = await readInRanges(source.size, 0, Math.max(1, source.size), open({}));
          const parts = await readInRanges(source.size, 0, rangeBytes, open({ blockBytes, batchRows: 2 }));
          const place = ({ offset, code, message, raw }: (typeof whole.rejects)[number]) => ({
            offset,
            code,
            message,
            raw,
          });
          expect(parts.rows).toEqual(whole.rows);
          expect(parts.rejects.map(place)).toEqual(whole.rejects.map(place));
          if (source.size > 0) expect(parts.ranges.at(-1)!.span.end).toBe(source.size);
        },
      ),
      { numRuns: 1000, seed: 15 },
    );
  }, 120_000);

  it('agrees with copyCsvRange on the span of every range, guessed or exact', async () => {
    const limit = fc.constantFrom(undefined, 6);
    await fc.assert(
      fc.asyncProperty(
        anyBytes,
        fc.nat(30),
        fc.nat(30),
        fc.boolean(),
        fc.integer({ min: 1, max: 30 }),
        limit,
        async (bytes, start, length, exact, blockBytes, maxRecordBytes) => {
          const source = bytesOf(bytes);
          const range = {
            start,
            end: Math.min(start + length, Math.max(start, source.size)),
            exact,
            label: 'x',
            chunk: 0,
          };
          const reader = csvRangeReader(
            source,
            range,
            { columns: columnsOf('string', 'string'), csv: CSV },
            { maxRecordBytes, blockBytes: 7 },
          );
          const { span, rejects } = await readAll(reader);
          const written: Buffer[] = [];
          const copied = await copyCsvRange(source, range, CSV, 2, (part) => void written.push(part), {
            maxRecordBytes,
            blockBytes,
          });
          expect(copied.span).toEqual({ first: span.first, end: span.end });
          if (copied.clean) expect(Buffer.concat(written)).toEqual(bytes.subarray(span.first, span.end));
          const outOfPlace = rejects.some(({ code }) =>
            ['row.stray_quote', 'row.quote_unclosed', 'row.too_large'].includes(code),
          );
          if (outOfPlace) expect(copied.clean).toBe(false);
        },
      ),
      { numRuns: 1500, seed: 16 },
    );
  }, 120_000);

  it('guesses right inside a long quoted field, so that nothing is read twice', async () => {
    const text = `1,"${'some text\nof many lines, with commas\n'.repeat(50)}"\n`.repeat(20);
    const joined = await readInRanges(text.length, 0, 700, (range) =>
      csvRangeReader(bytesOf(text), range, { columns: columnsOf('int', 'string'), csv: CSV }),
    );
    expect(joined.rows).toHaveLength(20);
    expect(joined.repeated).toBe(0);
  });

  it('is not thrown off by a stray quote: only its own row is lost', async () => {
    const text = `1,pipe 5" wide\n${'2,ok\n'.repeat(1000)}`;
    const joined = await readInRanges(text.length, 0, 100, (range) =>
      csvRangeReader(bytesOf(text), range, { columns: columnsOf('int', 'string'), csv: CSV }),
    );
    expect(joined.rows).toHaveLength(1000);
    expect(joined.rejects.map(({ code }) => code)).toEqual(['row.stray_quote']);
    expect(joined.repeated).toBe(0);
  });
});

describe('csvRangeReader: bad records', () => {
  it('names place, reason and text of each and reads on', async () => {
    const text = 'a,1\nb\nc,2,3\nd,x\ne"f,4\n"g"h,5\n\nz,6\n';
    const { rows, rejects, lines, records, raws } = await read(text, columnsOf('string', 'int'));
    expect(rows).toEqual([
      { a: 'a', b: 1 },
      { a: 'z', b: 6 },
    ]);
    expect(lines).toEqual([1, 8]);
    expect(records).toEqual([1, 7]);
    expect(raws).toEqual(['a,1', 'z,6']);
    expect(rejects.map(({ code, offset, line, record, raw }) => [code, offset, line, record, raw])).toEqual([
      ['row.column_count', 4, 2, 2, 'b'],
      ['row.column_count', 6, 3, 3, 'c,2,3'],
      ['row.type', 12, 4, 4, 'd,x'],
      ['row.stray_quote', 16, 5, 5, 'e"f,4'],
      ['row.stray_quote', 22, 6, 6, '"g"h,5'],
    ]);
    expect(rejects[0]).toMatchObject({
      source: 'test.csv',
      chunk: 3,
      message: expect.stringContaining('wanted 2, found 1') as string,
    });
    expect(rejects[2]!.message).toBe('column "b": "x" is no int; declare csv.types: { b: string } to keep it as text');
  });

  it('rejects a quote that is never closed at its record and goes on after its first line', async () => {
    const { rows, rejects } = await read('a,1\nb,"2\nc,3\n', columnsOf('string', 'string'));
    expect(rows).toEqual([
      { a: 'a', b: '1' },
      { a: 'c', b: '3' },
    ]);
    expect(rejects).toMatchObject([{ code: 'row.quote_unclosed', offset: 4, line: 2, raw: 'b,"2' }]);
    expect(rejects[0]!.message).toContain('byte 6');
  });

  it('rejects a record beyond the limit and goes on after its first line', async () => {
    const text = `a,1\n${'x'.repeat(50)},2\n"${'y\n'.repeat(30)}",3\nb,4\n`;
    const { rows, rejects } = await read(text, columnsOf('string', 'int'), { maxRecordBytes: 40, blockBytes: 16 });
    expect(rows).toEqual([
      { a: 'a', b: 1 },
      { a: 'b', b: 4 },
    ]);
    expect(rejects[0]).toMatchObject({ code: 'row.too_large', offset: 4, line: 2 });
    expect(rejects[1]).toMatchObject({ code: 'row.too_large', offset: 57, line: 3, raw: '"y' });
    expect(new Set(rejects.slice(2).map(({ code }) => code))).toEqual(
      new Set(['row.column_count', 'row.quote_unclosed']),
    );
  });

  it('rejects invalid UTF-8 and keeps its neighbours', async () => {
    const { rows, rejects } = await read(
      Buffer.from('\xc3\xa9,1\n\xff,2\nb,3\n', 'latin1'),
      columnsOf('string', 'int'),
    );
    expect(rows).toEqual([
      { a: 'é', b: 1 },
      { a: 'b', b: 3 },
    ]);
    expect(rejects).toMatchObject([{ code: 'row.encoding', offset: 5, line: 2 }]);
  });

  it.each([
    ['no line end', 97],
    ['one quote after the other', 34],
  ])(
    'bounds memory and work over 2 GB: %s',
    async (_name, byte) => {
      const source = endlessBytes(2 * 1024 ** 3, byte);
      const started = process.memoryUsage().arrayBuffers;
      const first = await readAll(
        csvRangeReader(
          source,
          { start: 0, end: 64e6, exact: true, label: 'x', chunk: 0 },
          { columns: columnsOf('string'), csv: CSV },
        ),
      );
      expect(first.rejects).toMatchObject([{ code: 'row.too_large', offset: 0 }]);
      expect(first.rejects[0]!.raw).toHaveLength(4096);
      expect(first.span.end).toBe(source.size);
      expect(process.memoryUsage().arrayBuffers - started).toBeLessThan(400e6);

      source.bytesRead = 0;
      const later = await readAll(
        csvRangeReader(
          source,
          { start: 64e6, end: 128e6, exact: false, label: 'x', chunk: 1 },
          { columns: columnsOf('string'), csv: CSV },
        ),
      );
      expect(later.rows).toEqual([]);
      expect(source.bytesRead).toBeLessThan(100e6);
    },
    30_000,
  );
});

describe('csvRangeReader: values', () => {
  const one = async (type: ColumnType, text: string) => {
    const { rows, rejects } = await read(`${text},\n`, columnsOf(type, 'string'));
    return rejects[0] ? rejects[0].code : rows[0]!.a;
  };

  it.each<[ColumnType, string, unknown]>([
    ['int', '0', 0],
    ['int', '-0', 0],
    ['int', '+7', 7],
    ['int', ' 7 ', 7],
    ['int', '"7"', 7],
    ['int', '007', 7],
    ['int', '', null],
    ['int', '""', 'row.type'],
    ['int', '-', 'row.type'],
    ['int', '1.0', 'row.type'],
    ['int', '1e3', 'row.type'],
    ['int', '9007199254740991', 9007199254740991],
    ['int', '9007199254740993', 9007199254740993n],
    ['int', '-9223372036854775808', -9223372036854775808n],
    ['int', '9223372036854775808', 'row.type'],
    ['int', '00000000000000000000001', 1],
    ['float', '1.', 1],
    ['float', '-.5', -0.5],
    ['float', '0.1', 0.1],
    ['float', '1e5', 1e5],
    ['float', '12345678901234567890.5', 12345678901234567890.5],
    ['float', 'NaN', NaN],
    ['float', '-Infinity', -Infinity],
    ['float', '1,5', 'row.column_count'],
    ['float', '.', 'row.type'],
    ['float', '0x10', 'row.type'],
    ['float', '1e', 'row.type'],
    ['bool', 'TRUE', true],
    ['bool', 'f', false],
    ['bool', 'maybe', 'row.type'],
    ['date', '2024-02-29', '2024-02-29'],
    ['date', '2023-02-29', 'row.type'],
    ['date', '1900-02-29', 'row.type'],
    ['date', '2024-04-31', 'row.type'],
    ['date', '2024-1-1', 'row.type'],
    ['timestamp', '2024-02-29', '2024-02-29'],
    ['timestamp', '2024-02-29 23:59', '2024-02-29 23:59'],
    ['timestamp', '2024-02-29T23:59:59.123456Z', '2024-02-29T23:59:59.123456Z'],
    ['timestamp', '2024-02-29T23:59:59+02:00', '2024-02-29T23:59:59+02:00'],
    ['timestamp', '2024-02-29T24:00:00', 'row.type'],
    ['timestamp', '2024-02-29T23:59:60', 'row.type'],
    ['timestamp', '2024-02-29 23:59:59.', 'row.type'],
    ['string', '""', ''],
    ['string', '', null],
    ['string', '"a""b"', 'a"b'],
    ['string', ' a ', ' a '],
  ])('%s %j', async (type, text, wanted) => {
    expect(await one(type, text)).toEqual(wanted);
  });

  it('reads every double as Number does', async () => {
    const doubles = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.integer().map((n) => n / 1000),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(doubles, { minLength: 1, maxLength: 50 }), async (numbers) => {
        const { rows } = await read(numbers.map((n) => `${n},\n`).join(''), columnsOf('float', 'string'));
        expect(rows.map(({ a }) => Number(a))).toEqual(numbers.map((n) => Number(String(n))));
      }),
      { numRuns: 200, seed: 8 },
    );
  });

  it('takes null values for null only where they are not quoted', async () => {
    const csv = { ...CSV, nullValues: ['NA', '–'] };
    const { rows } = await read('NA,NA\n1,"NA"\n2,\n3,–\n', columnsOf('int', 'string'), {}, csv);
    expect(values(rows)).toEqual([
      [null, null],
      [1, 'NA'],
      [2, ''],
      [3, null],
    ]);
  });

  it('keeps __proto__ and constructor as ordinary columns', async () => {
    const columns: Column[] = ['__proto__', 'constructor', "a'];}\u2028${x}"].map((name) => ({ name, type: 'string' }));
    const { rows } = await read('x,y,z\n', columns);
    expect(Object.entries(rows[0]!)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ["a'];}\u2028${x}", 'z'],
    ]);
    expect(Object.getPrototypeOf(rows[0])).toBe(Object.prototype);
  });

  it.each([['\n'], ['\r\n'], ['\r']])('reads files of %j line ends, with and without the last one', async (end) => {
    for (const text of [`1,a${end}2,b${end}`, `1,a${end}2,b`, `${end}1,a${end}${end}2,b${end}${end}`]) {
      expect(values((await read(text, columnsOf('int', 'string'))).rows)).toEqual([
        [1, 'a'],
        [2, 'b'],
      ]);
    }
  });

  it('takes a blank line of a one-column table for a null, and for nothing where empty is no null value', async () => {
    expect(values((await read('1\n\n3\n', columnsOf('int'))).rows)).toEqual([[1], [null], [3]]);
    expect(values((await read('1\n\n3\n', columnsOf('int'), {}, { ...CSV, nullValues: ['NA'] })).rows)).toEqual([
      [1],
      [3],
    ]);
  });
});
