import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import type { Column } from '../../../src/core/records.js';
import type { SqlOutput, SqlTable } from '../../../src/processors/engine.js';
import { createSqlEngine } from '../../../src/processors/sql/sql-engine.js';
import type { SqlEngine } from '../../../src/processors/sql/sql-engine.js';

/** 3,000,000 flights in 11 row groups: date, delay, distance, origin, destination. */
export const FLIGHTS = fileURLToPath(
  new URL('../../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url),
);
export const FLIGHT_ROW_GROUP = 272_727;

export const COLUMNS: Column[] = [
  { name: 'id', type: 'int' },
  { name: 'name', type: 'string' },
  { name: 'day', type: 'date' },
];

export interface Bench {
  engine: SqlEngine;
  folder: string;
  path(name: string): string;
  csv(text: string | Buffer, columns?: Column[]): Extract<SqlTable, { kind: 'csv' }>;
  ndjson(text: string, columns?: Column[]): SqlTable;
  output(format: SqlOutput['format'], header?: boolean): SqlOutput;
}

/** One warm engine over a scratch folder of its own for all tests of a file. */
export function useEngine(memoryBytes = 512 * 1024 * 1024): Bench {
  const bench = {} as Bench;
  let files = 0;
  beforeAll(async () => {
    bench.folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-sql-')));
    bench.path = (name) => join(bench.folder, name);
    bench.engine = await createSqlEngine({ scratch: bench.folder, memoryBytes });
    const slice = (text: string | Buffer) => {
      const path = bench.path(`slice-${files++}`);
      writeFileSync(path, text);
      return path;
    };
    bench.csv = (text, columns = COLUMNS) => ({
      kind: 'csv',
      path: slice(text),
      columns,
      delimiter: ',',
      quote: '"',
      nullValues: [''],
    });
    bench.ndjson = (text, columns = COLUMNS) => ({ kind: 'ndjson', path: slice(text), columns });
    bench.output = (format, header) => ({
      path: bench.path(`out-${files++}.${format}`),
      format,
      ...(header === undefined ? {} : { header }),
    });
  });
  afterAll(() => {
    bench.engine.close();
    rmSync(bench.folder, { recursive: true, force: true });
  });
  return bench;
}
