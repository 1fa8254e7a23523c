import { copyFile, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../../core/errors.js';
import type { Row } from '../../core/records.js';
import { readParquetMetadata } from '../../formats/parquet-file.js';
import { parquetRangeReader } from '../../formats/parquet-reader.js';
import { SQL, kindOf } from '../define.js';
import type { ReduceProcessor } from '../define.js';
import type { SqlColumn } from '../engine.js';
import type { CheckInput, CheckOutput, ReduceInput, SampleInput, StagedPart, ToParquetInput } from '../tasks.js';
import { inScratch } from './context.js';
import type { ThreadContext } from './context.js';
import { localParquet } from './local-parquet.js';
import { finishReduction, writeRows } from './run-processor.js';
import type { Task } from './range-run.js';
import { sinkForm, stageOutput } from './run-sql.js';
import type { SqlSteps } from './run-sql.js';

/** Checks a processor and its parameters against the columns of the source. */
export async function checkProcess(context: ThreadContext, input: CheckInput): Promise<CheckOutput> {
  const registry = await context.registry();
  if (input.use !== SQL) {
    registry.parse(input.use, input.with);
    return { reduces: kindOf(registry.get(input.use)) === 'reduce', output: null };
  }
  const { map, reduce } = registry.parse(SQL, input.with) as SqlSteps;
  const engine = await context.sql();
  const types = await withColumns(context, input, (columns) => engine.check({ columns, map, reduce }));
  return { reduces: reduce !== undefined, output: types.reduce ?? types.map ?? null };
}

/** What is known of the columns: of Parquet the file itself, whose types are more exact. */
async function withColumns<T>(
  context: ThreadContext,
  { columns, parquet }: CheckInput,
  use: (columns: CheckInput['columns'] | { parquet: string }) => Promise<T>,
): Promise<T> {
  if (!parquet) return use(columns);
  return inScratch(context, async (folder) => {
    const source = await context.sources.open(parquet.uri, parquet.pin);
    try {
      return await use({ parquet: await localParquet(context, parquet, source, folder) });
    } catch (error) {
      // A schema that the engine does not take, or the statement's own fault: then it has it here too.
      if (error instanceof MillraceError && ['sql.io', 'sql.failed'].includes(error.code)) return await use(columns);
      throw error;
    } finally {
      await source.close();
    }
  });
}

export async function sampleParquet(
  context: ThreadContext,
  { uri, pin, label, columns, rows }: SampleInput,
): Promise<Row[]> {
  const source = await context.sources.open(uri, pin);
  try {
    const metadata = await readParquetMetadata(source, label);
    const range = { firstRow: 0, endRow: Math.min(rows, Number(metadata.num_rows)), label };
    const first = await parquetRangeReader(source, metadata, range, columns).batches().next();
    return first.done ? [] : first.value.rows;
  } finally {
    await source.close();
  }
}

/** To copy so much takes less than to open an engine for files that lie elsewhere. */
const COPIED_BYTES = 16 * 1024 * 1024;
const COPIED_FILES = 100;

/** Partials where the engine may read: in `folder` where they are few and small, else where they lie. */
async function atHand(partials: string[], folder: string): Promise<string[]> {
  if (partials.length > COPIED_FILES) return partials;
  const sizes = await Promise.all(partials.map(async (partial) => (await stat(partial)).size));
  if (sizes.reduce((sum, size) => sum + size, 0) > COPIED_BYTES) return partials;
  const copies = partials.map((_, n) => path.join(folder, `partial${n}`));
  await Promise.all(copies.map((copy, n) => copyFile(partials[n]!, copy)));
  return copies;
}

/** The step over all partials of a job. */
export async function reducePartials(
  context: ThreadContext,
  { job, partials }: ReduceInput,
  { signal }: Task,
): Promise<StagedPart> {
  const plan = await context.plan({ job });
  if (plan.spec.process.use !== SQL) {
    const registry = await context.registry();
    const processor = registry.get(plan.spec.process.use) as ReduceProcessor<unknown>;
    const accumulators: unknown[] = [];
    for (const partial of partials) accumulators.push(JSON.parse(await readFile(partial, 'utf8')));
    const params = registry.parse(processor.name, plan.spec.process.with);
    return writeRows(context, plan, finishReduction(processor, accumulators, params));
  }
  const { reduce } = plan.spec.process.with as unknown as SqlSteps;
  const engine = await context.sql();
  return inScratch(context, async (folder) => {
    const output = { path: path.join(folder, 'reduced'), ...sinkForm({ plan }) };
    const part = await engine.reduce(await atHand(partials, folder), reduce!, output, signal);
    return stageOutput({ plan, context, signal }, output.path, part, 'sha256');
  });
}

/** The columns that parts of NDJSON have together. */
export async function columnsOfParts(
  context: ThreadContext,
  { parts }: { parts: string[] },
  { signal }: Task,
): Promise<SqlColumn[]> {
  return (await context.sql()).columnsOf(parts, signal);
}

/** Part files as one of Parquet, in order. */
export async function toParquet(
  context: ThreadContext,
  { parts, columns, ...ref }: ToParquetInput,
  { signal }: Task,
): Promise<StagedPart> {
  const plan = await context.plan(ref);
  const engine = await context.sql();
  return inScratch(context, async (folder) => {
    const output = { path: path.join(folder, 'joined.parquet'), ...sinkForm({ plan }) };
    const part = columns
      ? await engine.convert(parts, columns, output, signal)
      : await engine.reduce(parts, 'from partials', output, signal);
    return stageOutput({ plan, context, signal }, output.path, part, 'sha256');
  });
}
