import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isGzipped, isSingleFile, outputFormat, partDigest } from '../../core/part-format.js';
import type { Plan } from '../../core/plan.js';
import { MillraceError } from '../../core/errors.js';
import { createCsvWriter, csvHeader } from '../../formats/csv-writer.js';
import { setOwn } from '../../formats/own-field.js';
import { createNdjsonBytes } from '../../formats/ndjson-bytes.js';
import { Rejected, kindOf } from '../define.js';
import type { AnyProcessor, BatchProcessor, ProcessorContext, RecordProcessor, ReduceProcessor } from '../define.js';
import type { Row } from '../../core/records.js';
import { applyBatch, applyRecord, applyReduce } from './apply.js';
import type { Application } from './apply.js';
import { labelOf } from './open-chunk.js';
import { paced } from './paced.js';
import { refused, shifted } from './reject-log.js';
import { PartWriter } from './part-writer.js';
import type { PartForm } from './part-writer.js';
import { MAX_PARTITIONS, joinSections, nameOf, tooMany } from './sections.js';
import type { ThreadContext } from './context.js';
import { reducesAtOnce } from './range-run.js';
import type { RangeOutput, RangeRun } from './range-run.js';
import type { StagedPart } from '../tasks.js';
import type { Watch } from './watch.js';

/** Runs a processor written in TypeScript over the records of a range. */
export async function runProcessor(run: RangeRun, watch?: Watch): Promise<RangeOutput> {
  const { plan, context, receipt } = run;
  const { processor, use } = await processorOf(run);
  const isOutput = kindOf(processor) !== 'reduce' || reducesAtOnce(run);
  return writing(context, plan, isOutput, async (output) => {
    const reduction = kindOf(processor) === 'reduce' ? applyReduce(processor as ReduceProcessor<unknown>, use) : null;
    await readAll(run, reduction ?? application(processor, use), output, watch);

    // Nothing of the mended records is no part; nothing of a whole range is an empty one, with its place in the output.
    if (run.mending && receipt.counts.used === 0) {
      output.discard();
      return { reduced: false };
    }
    if (!reduction) return { part: output.close(), reduced: false };
    if (reducesAtOnce(run)) {
      const rows = finish(processor as ReduceProcessor<unknown>, reduction.accumulator(), use.params);
      output.write(rows);
      run.receipt.counts.out = rows.length;
      return { part: output.close(), reduced: true };
    }
    output.writeText(JSON.stringify(reduction.accumulator()));
    return { part: output.close(), reduced: false };
  });
}

/** Runs `write` with an output of its own, which is gone when it fails. */
async function writing<T>(
  context: ThreadContext,
  plan: Plan,
  isOutput: boolean,
  write: (output: Output) => T | Promise<T>,
): Promise<T> {
  const path = await context.work.scratchFile('part');
  const { partitionBy } = plan.spec.sink ?? {};
  // Parquet is taken apart at commit, where it is made.
  const partitioned = isOutput && partitionBy !== undefined && outputFormat(plan) !== 'parquet';
  const output = partitioned
    ? new PartitionedOutput(path, plan, partitionBy, context.scratch)
    : new RowOutput(path, plan, isOutput);
  try {
    return await write(output);
  } catch (error) {
    output.discard();
    throw error;
  }
}

/** The step over all partials of a reduction: merges in source order, then finishes. */
export function finishReduction(processor: ReduceProcessor<unknown>, accumulators: unknown[], params: unknown): Row[] {
  const merged = accumulators.reduce((a, b) => processor.merge(a, b), processor.initial({ params }));
  return finish(processor, merged, params);
}

/** Rows as a part file in the form of the sink. */
export function writeRows(context: ThreadContext, plan: Plan, rows: Row[]): Promise<StagedPart> {
  return writing(context, plan, true, (output) => {
    output.write(rows);
    return output.close();
  });
}

function finish(processor: ReduceProcessor<unknown>, accumulator: unknown, params: unknown): Row[] {
  const rows = processor.finish(accumulator, { params });
  return Array.isArray(rows) ? rows : [rows];
}

/** Gives the records that `watch` lets through to the processor, and forgets what becomes of them. */
export async function probeRecords(run: RangeRun, watch: Watch): Promise<void> {
  const { processor, use } = await processorOf(run);
  const probed =
    kindOf(processor) === 'reduce'
      ? applyReduce(processor as ReduceProcessor<unknown>, use)
      : application(processor, use);
  await readAll(run, probed, { write: () => undefined }, watch);
}

async function readAll(
  run: RangeRun,
  application: Application,
  output: Pick<Output, 'write'>,
  watch?: Watch,
): Promise<void> {
  const { plan, control, rejects, receipt } = run;
  for await (const open of run.chunks()) {
    const reader = await run.read(open);
    const place = { source: labelOf(plan, open.chunk), chunk: open.chunk.index };
    const origin = await run.origin(open);
    const before = receipt.counts.used + receipt.counts.filtered + rejects.records;
    for await (const batch of paced(reader.batches(), run.recordsPerSecond, run.signal)) {
      control.check();
      for (const reject of batch.rejects) rejects.add(shifted(reject, origin));
      await application.take(batch, {
        counts: receipt.counts,
        watch,
        emit: (rows) => output.write(rows),
        refuse: (from, i, rejected) => rejects.add(shifted(refused(from, i, rejected, place), origin)),
      });
      control.report(receipt.bytes, receipt.counts.used);
      watch?.passed(batch.rows.length);
      if (watch?.done) return;
    }
    control.check();
    const records = receipt.counts.used + receipt.counts.filtered + rejects.records - before;
    run.covered(open, reader.span, reader.span?.lines ?? null, records);
  }
}

function application(processor: AnyProcessor, context: ProcessorContext<unknown>): Application {
  return kindOf(processor) === 'batch'
    ? applyBatch(processor as BatchProcessor<unknown>, context)
    : applyRecord(processor as RecordProcessor<unknown>, context);
}

async function processorOf({
  plan,
  context,
  signal,
}: RangeRun): Promise<{ processor: AnyProcessor; use: ProcessorContext<unknown> }> {
  const registry = await context.registry();
  const processor = registry.get(plan.spec.process.use);
  const use: ProcessorContext<unknown> = {
    params: registry.parse(processor.name, plan.spec.process.with),
    signal,
    reject: (message, code = 'processor.rejected') => new Rejected(message, code),
    log: (message) => console.log(`[${plan.job} ${processor.name}] ${message}`),
  };
  return { processor, use };
}

/** What rows become; either closed or discarded in the end. */
interface Output {
  write(rows: Row[]): void;
  writeText(text: string): void;
  close(): StagedPart;
  discard(): void;
}

/**
 * The rows of a range as one part file, in the form of the sink. Parquet is made at commit, from NDJSON: only then all
 * columns and their types are known.
 */
class RowOutput implements Output {
  private readonly writer: PartWriter;
  private readonly csv: boolean;
  private readonly ownHeader: boolean;
  private records = 0;
  private columns: string[] | null = null;
  private readonly toNdjson = createNdjsonBytes();
  private toLines: ((rows: Row[]) => string) | null = null;

  /** @param isOutput the part is output, and not an accumulator */
  constructor(path: string, plan: Plan, isOutput: boolean, form: Partial<PartForm> = { digest: partDigest(plan) }) {
    this.writer = new PartWriter(path, { ...form, gzip: isOutput && isGzipped(plan) });
    this.csv = outputFormat(plan) === 'csv';
    // One joined file gets its header at commit.
    this.ownHeader = !isSingleFile(plan);
  }

  write(rows: Row[]): void {
    if (rows.length === 0) return;
    this.records += rows.length;
    this.writer.write(this.csv ? this.csvText(rows) : this.toNdjson(rows));
  }

  writeText(text: string): void {
    this.writer.write(text);
  }

  close(): StagedPart {
    const columns = (this.columns ?? []).map((name) => ({ name, type: 'string' }));
    const digest = this.writer.close();
    const { path, bytes } = this.writer;
    return { path, bytes, records: this.records, digest, columns };
  }

  discard(): void {
    this.writer.discard();
  }

  private csvText(rows: Row[]): string {
    const header = this.columns === null && this.ownHeader;
    this.columns ??= Object.keys(rows[0]!);
    for (const row of rows) checkColumns(this.columns, row);
    this.toLines ??= createCsvWriter(this.columns);
    return (header ? csvHeader(this.columns) : '') + this.toLines(rows);
  }
}

/** The rows of a range by the values of some of their columns, which they lose. */
class PartitionedOutput implements Output {
  private readonly folder: string;
  private readonly files = new Map<string, RowOutput>();
  private readonly byValues = new Map<string, RowOutput>();

  constructor(
    private readonly path: string,
    private readonly plan: Plan,
    private readonly columns: readonly string[],
    scratch: string,
  ) {
    this.folder = join(scratch, randomUUID());
    mkdirSync(this.folder, { recursive: true });
  }

  write(rows: Row[]): void {
    const groups = new Map<RowOutput, Row[]>();
    for (const row of rows) {
      const file = this.fileOf(row);
      const rest: Row = {};
      for (const name of Object.keys(row)) if (!this.columns.includes(name)) setOwn(rest, name, row[name]);
      const group = groups.get(file);
      if (group) group.push(rest);
      else groups.set(file, [rest]);
    }
    for (const [file, group] of groups) file.write(group);
  }

  private fileOf(row: Row): RowOutput {
    const values = this.columns.map((column) => partitionText(row, column));
    // Making the name takes longer than the rest.
    const key = values.length > 1 ? JSON.stringify(values) : values[0] === null ? '' : `=${values[0]}`;
    const known = this.byValues.get(key);
    if (known) return known;
    const partition = nameOf(this.columns.map((column, i) => ({ column, value: values[i]! })));
    if (this.files.size === MAX_PARTITIONS) throw tooMany();
    const file = new RowOutput(join(this.folder, String(this.files.size)), this.plan, false, { buffered: true });
    this.files.set(partition, file);
    this.byValues.set(key, file);
    return file;
  }

  writeText(): never {
    throw new Error('an accumulator is not partitioned');
  }

  close(): StagedPart {
    const parts = [...this.files].map(([partition, file]) => ({ partition, ...file.close() }));
    this.files.clear();
    const joined = joinSections(parts, this.path, isGzipped(this.plan));
    rmSync(this.folder, { recursive: true });
    const records = parts.reduce((sum, part) => sum + part.records, 0);
    return { ...joined, records, columns: parts[0]?.columns ?? [] };
  }

  discard(): void {
    for (const file of this.files.values()) file.discard();
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(this.path, { force: true });
  }
}

function partitionText(row: Row, column: string): string | null {
  const value = Object.hasOwn(row, column) ? row[column] : undefined;
  if (value === null) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  throw new MillraceError(
    'processor.bad_output',
    `sink.partitionBy: a row has ${value === undefined ? 'no' : `a ${typeof value} as its`} column "${column}"; wanted a text, a number, a boolean or null`,
  );
}

/** A CSV has the columns of its first row; a row with others would be cut in silence. */
function checkColumns(columns: string[], row: Row): void {
  const found = Object.keys(row);
  if (found.length === columns.length && columns.every((name) => Object.hasOwn(row, name))) return;
  throw new MillraceError(
    'processor.bad_output',
    `rows of a CSV sink must all have the same columns: wanted ${columns.join(', ')}, found ${found.join(', ')}; return null for absent values`,
  );
}
