import { columnsOfFile } from '../../core/plan.js';
import type { Plan, SourceFile } from '../../core/plan.js';
import type { Row } from '../../core/records.js';
import { setOwn } from '../../formats/own-field.js';
import type { RangeReader } from '../../formats/reader.js';

/** Makes the rows of a file with columns of its own rows of the plan: what it does not have is null. */
function aligned({ columns }: Pick<Plan, 'columns'>, row: Row): Row {
  const whole: Row = {};
  for (const { name } of columns) setOwn(whole, name, Object.hasOwn(row, name) ? row[name] : null);
  return whole;
}

/** @param open reads records by the file's own columns */
export function alignedReader(
  plan: Plan,
  file: SourceFile,
  open: (columns: Plan['columns']) => RangeReader,
): RangeReader {
  const reader = open(columnsOfFile(plan, file));
  if (!file.columns) return reader;
  return {
    get span() {
      return reader.span;
    },

    async *batches() {
      for await (const batch of reader.batches()) {
        yield { ...batch, rows: batch.rows.map((row) => aligned(plan, row)) };
      }
    },
  };
}
