import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column } from '../../src/core/records.js';
import type { CsvOptions } from '../../src/core/spec.js';
import { copyCsvRange } from '../../src/formats/csv-range.js';
import { csvRangeReader } from '../../src/formats/csv-reader.js';
import { bytesOf } from '../helpers/bytes.js';
import { readAll } from '../helpers/ranges.js';

const CSV: CsvOptions = { delimiter: ',', quote: '"', header: false, nullValues: [''], types: {} };

let folder: string;
let duckdb: DuckDBConnection;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-csv-'));
  duckdb = await (await DuckDBInstance.create(':memory:')).connect();
});
afterAll(async () => {
  duckdb.closeSync();
  await rm(folder, { recursive: true });
});

async function readByDuckdb(bytes: Buffer, columns: Record<string, string>): Promise<unknown[][]> {
  const path = join(folder, 'slice.csv');
  await writeFile(path, bytes);
  const shape = Object.entries(columns)
    .map(([name, type]) => `${name}: '${type}'`)
    .join(', ');
  const reader = await duckdb.runAndReadAll(
    `select * from read_csv('${path}', auto_detect=false, header=false, columns={${shape}}, delim=',', quote='"', escape='"', nullstr=[''], allow_quoted_nulls=false, strict_mode=true)`,
  );
  return reader.getRowsJson();
}

describe('csvRangeReader and DuckDB', () => {
  it('read the same values of every type', async () => {
    const texts: [string, string][] = [
      ['0,1.5,true,2024-02-29,"a ""b"""', 'plain'],
      ['-7,1e300,FALSE,0001-01-01,""', 'empty text'],
      [' 42 ,.5,t,1999-12-31, x ', 'padded'],
      [',,,,', 'nulls'],
      ['9223372036854775807,0.1,no,2000-02-29,é漢😀', 'long'],
      ['+5,12345678901234567890.5,1,2024-12-01,"x\ny"', 'line end'],
    ];
    const text = texts.map(([line]) => `${line}\n`).join('');
    const columns: Column[] = [
      { name: 'i', type: 'int' },
      { name: 'f', type: 'float' },
      { name: 'b', type: 'bool' },
      { name: 'd', type: 'date' },
      { name: 's', type: 'string' },
    ];
    const source = bytesOf(text);
    const ours = await readAll(
      csvRangeReader(source, { start: 0, end: source.size, exact: true, label: 'x', chunk: 0 }, { columns, csv: CSV }),
    );
    const theirs = await readByDuckdb(Buffer.from(text), {
      i: 'BIGINT',
      f: 'DOUBLE',
      b: 'BOOLEAN',
      d: 'DATE',
      s: 'VARCHAR',
    });
    expect(ours.rejects).toEqual([]);
    expect(
      ours.rows.map((row) => [row.i === null ? null : String(row.i as number), row.f, row.b, row.d, row.s]),
    ).toEqual(theirs);
  });

  it('read the same rows of every range that copyCsvRange calls clean', async () => {
    const part = fc.constantFrom('a', '1', ' ', '"x"', '""', '"a""b"', '"p,q"', '"p\nq"', '"p\r\nq"', 'é', 'b"c', '');
    const record = fc.tuple(part, part).map((fields) => fields.join(','));
    let cleanRanges = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 8 }),
        fc.constantFrom('\n', '\r\n'),
        fc.nat(20),
        fc.boolean(),
        async (records, end, start, closed) => {
          const source = bytesOf(records.join(end) + (closed ? end : ''));
          const range = { start, end: source.size, exact: false, label: 'x', chunk: 0 };
          const copy: Buffer[] = [];
          const { clean } = await copyCsvRange(source, range, CSV, 2, (bytes) => void copy.push(bytes));
          if (!clean || copy.length === 0) return;
          const columns: Column[] = [
            { name: 'a', type: 'string' },
            { name: 'b', type: 'string' },
          ];
          const ours = await readAll(csvRangeReader(source, range, { columns, csv: CSV }));
          if (ours.rejects.length > 0) return;
          cleanRanges++;
          expect(await readByDuckdb(Buffer.concat(copy), { a: 'VARCHAR', b: 'VARCHAR' })).toEqual(
            ours.rows.map(({ a, b }) => [a, b]),
          );
        },
      ),
      { numRuns: 300, seed: 7 },
    );
    expect(cleanRanges).toBeGreaterThan(50);
  }, 60_000);
});
