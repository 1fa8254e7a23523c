import { describe, expect, it } from 'vitest';
import type { CsvOptions } from '../../src/core/spec.js';
import { inferCsvTable, inferColumns, readCsvHead } from '../../src/formats/csv-infer.js';
import { bytesOf } from '../helpers/bytes.js';

const CSV: CsvOptions = { delimiter: ',', quote: '"', header: true, nullValues: [''], types: {} };
const head = (text: string | Buffer, csv: Partial<CsvOptions> = {}) => {
  const bytes = Buffer.from(text);
  return readCsvHead(bytes, bytes.length, { ...CSV, ...csv });
};

describe('readCsvHead', () => {
  it('finds names and the first byte of the data', () => {
    expect(head('a,b\n1,2\n')).toEqual({ names: ['a', 'b'], dataStart: 4, headLines: 1 });
    expect(head('\uFEFFa,b\r\n1,2\n')).toEqual({ names: ['a', 'b'], dataStart: 8, headLines: 1 });
    expect(head('\n\n"a\n""x""",é\n1,2\n')).toEqual({ names: ['a\n"x"', 'é'], dataStart: 15, headLines: 4 });
    expect(head('a,b')).toEqual({ names: ['a', 'b'], dataStart: 3, headLines: 0 });
    expect(head('a,__proto__,constructor\n').names).toEqual(['a', '__proto__', 'constructor']);
  });

  it('names columns itself, or as told', () => {
    expect(head('1,2\n', { header: false })).toEqual({ names: ['column1', 'column2'], dataStart: 0, headLines: 0 });
    expect(head('1,2\n', { header: false, columns: ['x', 'y'] }).names).toEqual(['x', 'y']);
    expect(head('a,a\n1,2\n', { columns: ['x', 'y'] })).toEqual({ names: ['x', 'y'], dataStart: 4, headLines: 1 });
    expect(head('', { header: false })).toEqual({ names: [], dataStart: 0, headLines: 0 });
  });

  it.each<[string, string | Buffer, Partial<CsvOptions>, string, string]>([
    ['double names', 'a,b,a\n', {}, 'source.bad_header', 'columns 1 and 3 are both named "a"'],
    ['an empty name', 'a,,b\n', {}, 'source.bad_header', 'column 2 has no name'],
    ['bytes that are not UTF-8', Buffer.from('a,\xff\n', 'latin1'), {}, 'source.bad_header', 'not valid UTF-8'],
    ['a stray quote', 'a,b"\n', {}, 'source.bad_header', 'byte 3'],
    ['a quote never closed', 'a,"b\n', {}, 'source.bad_header', 'byte 2'],
    ['another count than csv.columns', 'a,b\n', { columns: ['x'] }, 'source.bad_header', 'wanted 1 fields, found 2'],
    ['no bytes', '', {}, 'source.empty', 'no header'],
    ['blank lines only', '\uFEFF\n\n', {}, 'source.empty', 'no header'],
  ])('refuses %s', (_name, text, csv, code, message) => {
    expect(() => head(text, csv)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as Error,
    );
  });
});

describe('inferColumns', () => {
  it.each<[string, (string | null)[]]>([
    ['int', ['1', '-20', null, ' 3 ']],
    ['int', ['9223372036854775807']],
    ['string', ['9223372036854775808', '1']],
    ['string', ['01234', '90210']],
    ['string', ['+4930123', '5']],
    ['float', ['1', '2.5', '1e9', 'nan']],
    ['string', ['nan', 'inf']],
    ['bool', ['true', 'FALSE']],
    ['string', ['true', '1']],
    ['date', ['2024-02-29']],
    ['string', ['2023-02-29']],
    ['timestamp', ['2024-02-29', '2024-02-29T12:00:00Z']],
    ['string', [null, null]],
    ['string', ['', '1']],
  ])('%s for %j', (type, values) => {
    expect(
      inferColumns(
        ['x'],
        values.map((value) => [value]),
        {},
      ),
    ).toEqual([{ name: 'x', type }]);
  });

  it('lets declared types win and refuses unknown names', () => {
    expect(inferColumns(['x'], [['1']], { x: 'string' })).toEqual([{ name: 'x', type: 'string' }]);
    expect(() => inferColumns(['x'], [], { y: 'int' })).toThrow(
      expect.objectContaining({
        code: 'spec.invalid',
        issues: [{ path: '/source/csv/types/y', message: 'no column "y", found "x"' }],
      }) as Error,
    );
  });
});

describe('inferCsvTable', () => {
  it('samples the whole length of the file', async () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => `${i},${i < 90_000 ? i : `${i}.5`},"line\n${i}"`);
    const table = await inferCsvTable(bytesOf(`id,x,text\n${rows.join('\n')}\n`), CSV, 'x.csv');
    expect(table.columns).toEqual([
      { name: 'id', type: 'int' },
      { name: 'x', type: 'float' },
      { name: 'text', type: 'string' },
    ]);
    expect(table.recordBytes).toBeGreaterThan(20);
    expect(table.recordBytes).toBeLessThan(30);
    expect(table).toMatchObject({ dataStart: 10, headLines: 1, warnings: [] });
    expect(table.sampleRows).toHaveLength(10);
    expect(table.sampleRows[1]).toEqual({ id: 1, x: 1, text: 'line\n1' });
  });

  it('warns of samples that would be rejected', async () => {
    const table = await inferCsvTable(bytesOf('a,b\n1,2\n3\nx,4\n'), { ...CSV, types: { a: 'int' } }, 'x.csv');
    expect(table.warnings).toEqual([
      expect.stringMatching(
        /^x\.csv: 2 of 3 sampled records would be rejected, the first at byte 8: .*wanted 2, found 1/,
      ),
    ]);
  });

  it('takes a file of a header alone for a table without rows', async () => {
    expect(await inferCsvTable(bytesOf('a,b\n'), CSV, 'x.csv')).toMatchObject({
      dataStart: 4,
      recordBytes: 1,
      sampleRows: [],
      warnings: [],
    });
    await expect(inferCsvTable(bytesOf(''), CSV, 'x.csv')).rejects.toMatchObject({
      code: 'source.empty',
      message: expect.stringMatching(/^x\.csv: /) as string,
    });
  });
});

it('a type for a column of a header that another delimiter splits says so', () => {
  expect(() => inferColumns(['a;b c'], [], { a: 'int' })).toThrow(
    'no column "a", found "a;b c"; set csv.delimiter: ";"',
  );
  expect(() => inferColumns(['a', 'b;c'], [], { x: 'int' })).toThrow(/found "a", "b;c"$/);
});
