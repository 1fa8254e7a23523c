import { columnsOfFile } from '../../core/plan.js';
import type { Plan, SourceFile } from '../../core/plan.js';
import type { Row } from '../../core/records.js';
import { setOwn } from '../../formats/own-field.js';
import type { RangeReader } from '../../formats/reader.js';

/** Makes the rows of a file with columns of its own rows of the plan: what neither it nor its folder has is null. */
function aligned({ columns }: Pick<Plan, 'columns'>, { constants = {} }: SourceFile, row: Row): Row {
  const whole: Row = {};
  for (const { name } of columns) {
    const from = Object.hasOwn(row, name) ? row : constants;
    setOwn(whole, name, Object.hasOwn(from, name) ? from[name] : null);
  }
  return whole;
}

/** @param open reads records by the file's own columns */
export function alignedReader(
  plan: Plan,
  file: SourceFile,
  open: (columns: Plan['columns']) => RangeReader,
): RangeReader {
  const reader = open(columnsOfFile(plan, file));
  if (!file.columns && !file.constants) return reader;
  // A record of JSON has the columns that it has.
  const whole = (row: Row) => (file.columns ? aligned(plan, file, row) : { ...file.constants, ...row });
  return {
    get span() {
      return reader.span;
    },

    async *batches() {
      for await (const batch of reader.batches()) {
        yield { ...batch, rows: batch.rows.map(whole) };
      }
    },
  };
}
