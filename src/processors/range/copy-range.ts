import path from 'node:path';
import { MillraceError } from '../../core/errors.js';
import type { TableRange } from '../../stores/port.js';
import type { StagedPart } from '../tasks.js';
import { inScratch } from './context.js';
import type { ThreadContext } from './context.js';
import type { Task } from './range-run.js';
import { stagePart } from './stage-part.js';

/** A range of a table as a private Parquet file: the server writes text, the SQL engine reads it. */
export async function copyRange(context: ThreadContext, range: TableRange, { signal }: Task): Promise<StagedPart> {
  const engine = await context.sql();
  return inScratch(context, async (folder) => {
    const text = path.join(folder, 'range.csv');
    const rows = await context.sources.tables!.copyRange(range, text, signal);
    const output = { path: path.join(folder, 'range.parquet'), format: 'parquet' as const };
    const part = await engine.importCopy(text, range.columns, output, signal);
    if (part.records !== rows) {
      throw new MillraceError(
        'source.copy_differs',
        `the server sent ${rows} rows of "${range.ref.uri}" and ${part.records} of them were stored`,
      );
    }
    return stagePart(context, output.path, part, { digest: 'crc32' });
  });
}
