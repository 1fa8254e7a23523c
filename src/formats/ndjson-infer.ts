import type { Column, ColumnType, Row } from '../core/records.js';
import type { ByteSource } from '../stores/port.js';
import { textStart } from './csv-scan.js';
import { commonType, typeOfText } from './infer-types.js';
import { ndjsonRangeReader } from './ndjson-reader.js';
import { readSamples, rejectWarnings, type InferredTable } from './sample.js';

/**
 * Settles the columns of an NDJSON file from spread samples, as `inferRowColumns` does for rows.
 */
export async function inferNdjsonTable(source: ByteSource, label: string): Promise<InferredTable> {
  const dataStart = textStart(await source.read(0, Math.min(3, source.size)));
  const { rows, rejects, recordBytes } = await readSamples(source, dataStart, label, (range) =>
    ndjsonRangeReader(source, range),
  );
  const warnings = rejectWarnings(label, rows.length + rejects.length, rejects);
  return {
    columns: inferRowColumns(rows),
    dataStart,
    headLines: 0,
    recordBytes,
    sampleRows: rows.slice(0, 10),
    warnings,
  };
}

/**
 * The columns of rows, in the order in which they are first seen. Nested values are `json`, ints and floats together
 * `float`, other mixtures `string`; texts that all are dates or timestamps are those.
 */
export function inferRowColumns(rows: readonly Row[]): Column[] {
  const types = new Map<string, Set<ColumnType>>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      let seen = types.get(name);
      if (!seen) types.set(name, (seen = new Set()));
      if (value !== null) seen.add(typeOfValue(value));
    }
  }
  return [...types].map(([name, seen]): Column => ({ name, type: commonType(seen) }));
}

function typeOfValue(value: unknown): ColumnType {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? 'int' : 'float';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float';
    case 'string': {
      const looks = typeOfText(value);
      return looks === 'date' || looks === 'timestamp' ? looks : 'string';
    }
    default:
      return 'json';
  }
}
