/** Files that others have collected, on which readers go wrong. */
import { readFileSync } from 'node:fs';
import spectrum from 'csv-spectrum';
import { describe, expect, it } from 'vitest';
import type { CsvOptions } from '../../src/core/spec.js';
import { readCsvHead } from '../../src/formats/csv-infer.js';
import { csvRangeReader } from '../../src/formats/csv-reader.js';
import { ndjsonRangeReader } from '../../src/formats/ndjson-reader.js';
import { bytesOf } from '../helpers/bytes.js';
import { readAll } from '../helpers/ranges.js';

const CSV: CsvOptions = { delimiter: ',', quote: '"', header: true, nullValues: [], types: {} };

describe('csv-spectrum', async () => {
  const files = await new Promise<Array<{ name: string; csv: Buffer; json: Buffer }>>((resolve, reject) => {
    spectrum((error: Error | null, data) => (error ? reject(error) : resolve(data)));
  });

  it('has its twelve files', () => {
    expect(files).toHaveLength(12);
  });

  const read = async ({ csv }: { csv: Buffer }) => {
    const { names, dataStart } = readCsvHead(csv, csv.length, CSV);
    const columns = names.map((name) => ({ name, type: 'string' as const }));
    const range = { start: dataStart, end: csv.length, exact: true, label: 'x', chunk: 0 };
    return readAll(csvRangeReader(bytesOf(csv), range, { columns, csv: CSV }));
  };
  const strict = 'location_coordinates';

  it.each(files.filter(({ name }) => name !== strict))('$name', async (file) => {
    const { rows, rejects } = await read(file);
    expect(rejects).toEqual([]);
    expect(rows).toEqual(JSON.parse(file.json.toString()));
  });

  it(`${strict} is refused: it has a quote within an unquoted field`, async () => {
    const { rows, rejects } = await read(files.find(({ name }) => name === strict)!);
    expect(rows).toEqual([]);
    expect(rejects).toMatchObject([{ code: 'row.stray_quote', record: 1 }]);
  });
});

const SUITE = new URL('../fixtures/json-test-suite/files.json', import.meta.url);
const texts = new Map(
  Object.entries(JSON.parse(readFileSync(SUITE, 'utf8')) as Record<string, string>).map(([name, base64]) => [
    name,
    Buffer.from(base64, 'base64'),
  ]),
);
texts.set('n_structure_100000_opening_arrays', Buffer.alloc(100_000, '['));
texts.set('n_structure_open_array_object', Buffer.from(`${'[{"":'.repeat(50_000)}\n`));
const namesOf = (kind: string) => [...texts.keys()].filter((name) => name.startsWith(kind)).sort();

/** What becomes of a text as the value of one line, or of several where there are line ends in it. */
function asLines(text: Buffer) {
  const source = bytesOf(Buffer.concat([Buffer.from('{"v":'), text, Buffer.from('}\n')]));
  const range = { start: 0, end: source.size, exact: true, label: 'x', chunk: 0 };
  return readAll(ndjsonRangeReader(source, range));
}

const LINE_ENDS = /[\r\n]/g;

const same = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner)));

describe('JSONTestSuite, as lines', () => {
  it('has its 318 files', () => {
    expect([namesOf('y_').length, namesOf('n_').length, namesOf('i_').length]).toEqual([95, 188, 35]);
  });

  it.each(namesOf('y_'))('accepts %s', async (name) => {
    // A line end between values would end the line.
    const text = texts.get(name)!.toString().replace(LINE_ENDS, ' ');
    const { rows, rejects } = await asLines(Buffer.from(text));
    expect(rejects).toEqual([]);
    expect(rows.map((row) => same(row.v))).toEqual([same(JSON.parse(text))]);
  });

  it.each(namesOf('n_'))('rejects %s', async (name) => {
    const { rows, rejects } = await asLines(texts.get(name)!);
    expect(rows).toEqual([]);
    expect(rejects.length).toBeGreaterThan(0);
    for (const { code } of rejects) expect(code).toMatch(/^row\.(json|encoding|too_deep|not_an_object)$/);
  });

  it('accepts of the others the numbers and surrogates that Node does, and refuses what is no UTF-8 or too deep', async () => {
    const refused: string[] = [];
    for (const name of namesOf('i_')) {
      const { rejects } = await asLines(texts.get(name)!);
      if (rejects.length > 0) refused.push(`${name}: ${rejects[0]!.code}`);
    }
    expect(refused).toMatchInlineSnapshot(`
      [
        "i_string_UTF-16LE_with_BOM: row.encoding",
        "i_string_UTF-8_invalid_sequence: row.encoding",
        "i_string_UTF8_surrogate_U+D800: row.encoding",
        "i_string_invalid_utf-8: row.encoding",
        "i_string_iso_latin_1: row.encoding",
        "i_string_lone_utf8_continuation_byte: row.encoding",
        "i_string_not_in_unicode_range: row.encoding",
        "i_string_overlong_sequence_2_bytes: row.encoding",
        "i_string_overlong_sequence_6_bytes: row.encoding",
        "i_string_overlong_sequence_6_bytes_null: row.encoding",
        "i_string_truncated-utf-8: row.encoding",
        "i_string_utf16BE_no_BOM: row.encoding",
        "i_string_utf16LE_no_BOM: row.encoding",
        "i_structure_500_nested_arrays: row.too_deep",
        "i_structure_UTF-8_BOM_empty_object: row.json",
      ]
    `);
  });
});
