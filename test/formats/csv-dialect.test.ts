import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectDialect } from '../../src/formats/csv-dialect.js';

const detect = (text: string, asked = {}, isWhole = true) => detectDialect(Buffer.from(text), isWhole, asked);

describe('detectDialect', () => {
  it.each([
    ['commas', 'a,b\n1,2\n', ',', '"'],
    ['semicolons, and commas within numbers', 'name;price\nx;1,5\ny;2,5\n', ';', '"'],
    ['semicolons and numbers with commas, without a header', '1,5;2,5\n3,5;4,5\n', ';', '"'],
    ['tabs, with texts that have all the others', 'a\tb\nx, y; z|\tu\n', '\t', '"'],
    ['bars', 'a|b|c\n1|2|3\n', '|', '"'],
    ['delimiters and line ends inside quotes', 'a;b\n"x,y\nz,w";2\n"u,v";3\n', ';', '"'],
    ['single quotes', "a,b\n'x, y',2\n'it''s',3\n", ',', "'"],
    ['apostrophes, which are no quotes', "a,b\nit's,2\n'tis,3\n", ',', '"'],
    ['CR LF, a byte order mark and blank lines', '\ufeff\r\na;b\r\n\r\n1;2\r\n', ';', '"'],
    ['a record of another length among many', 'a;b\n1;2\n3\n4;5\n', ';', '"'],
  ])('finds %s', (_, text, delimiter, quote) => {
    expect(detect(text)).toEqual({ delimiter, quote });
  });

  it.each([
    ['one column', 'name\nx\ny\n'],
    ['nothing', ''],
    ['texts', 'Dear reader,\nthis is no table\nat all\n'],
  ])('finds none in %s', (_, text) => {
    expect(detect(text)).toBeNull();
  });

  it('keeps to what is known', () => {
    expect(detect("a;b\n'x;y';2\n", { delimiter: ';' })).toEqual({ delimiter: ';', quote: "'" });
    expect(detect('a;b\n1;2\n', { quote: "'" })).toEqual({ delimiter: ';', quote: "'" });
    expect(detect('a\nb\n', { delimiter: '|' })).toEqual({ delimiter: '|', quote: '"' });
  });

  it('does not count a record that is cut off', () => {
    expect(detect('a;b\n1;2\n"3', {}, false)).toEqual({ delimiter: ';', quote: '"' });
  });

  it('finds any dialect of a table whose unquoted fields have no delimiters', () => {
    const value = fc.string({
      unit: fc.constantFrom('a', '7', ' ', 'é', ',', ';', '\t', '|', '\n', '"', "'"),
      maxLength: 8,
    });
    const table = fc
      .integer({ min: 2, max: 5 })
      .chain((width) =>
        fc.array(fc.array(value, { minLength: width, maxLength: width }), { minLength: 2, maxLength: 8 }),
      );
    fc.assert(
      fc.property(table, fc.constantFrom(',', ';', '\t', '|'), fc.constantFrom('"', "'"), (rows, delimiter, quote) => {
        const text = rows
          .map((row) => row.map((one) => quote + one.replaceAll(quote, quote + quote) + quote).join(delimiter) + '\n')
          .join('');
        expect(detect(text)).toEqual({ delimiter, quote });
      }),
      { numRuns: 2000, seed: 4180 },
    );
  });
});
