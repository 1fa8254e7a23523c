import path from 'node:path';
import { MillraceError } from '../../core/errors.js';
import { readsEachRecord } from '../../core/plan.js';
import { isGzipped, isSingleFile, outputFormat, partDigest } from '../../core/part-format.js';
import type { DigestKind } from '../../core/receipt.js';
import type { CsvOptions } from '../../core/spec.js';
import { copyCsvRange } from '../../formats/csv-range.js';
import { createCsvWriter } from '../../formats/csv-writer.js';
import { copyNdjsonRange } from '../../formats/ndjson-range.js';
import { ndjsonLines } from '../../formats/ndjson-writer.js';
import type { SqlOutput, SqlTable } from '../engine.js';
import type { SqlMap, SqlPart } from '../sql/sql-engine.js';
import type { StagedPart } from '../tasks.js';
import { inScratch } from './context.js';
import { localParquet } from './local-parquet.js';
import { planItems } from './open-chunk.js';
import type { OpenChunk } from './open-chunk.js';
import { PartWriter } from './part-writer.js';
import { shifted } from './reject-log.js';
import { reducesAtOnce } from './range-run.js';
import type { RangeOutput, RangeRun } from './range-run.js';
import { stageSections } from './sections.js';
import { stagePart } from './stage-part.js';

export interface SqlSteps {
  map: string;
  reduce?: string;
}

/** Runs `map` over each chunk of a range, and `reduce` too where the range is the only one. */
export async function runSql(run: RangeRun): Promise<RangeOutput> {
  const { plan, context, receipt, signal } = run;
  const steps = plan.spec.process.with as unknown as SqlSteps;
  const engine = await context.sql();
  return inScratch(context, async (folder) => {
    const mapped: SqlOutput = {
      path: path.join(folder, 'mapped'),
      ...(steps.reduce ? { format: 'parquet' } : sinkForm(run)),
    };
    const map = await engine.openMap(steps.map, mapped, signal);
    for await (const open of run.chunks()) await mapChunk(run, map, open, path.join(folder, `${open.chunk.index}`));
    if (run.mending && receipt.counts.used === 0) {
      await map.discard();
      return { reduced: false };
    }
    const part = await map.finish();
    receipt.counts.out = part.records;
    if (!steps.reduce || !reducesAtOnce(run)) {
      if (!steps.reduce) return { part: await stageOutput(run, mapped.path, part, partDigest(plan)), reduced: false };
      return { part: await stagePart(context, mapped.path, part, { digest: partDigest(plan) }), reduced: false };
    }

    const reduced: SqlOutput = { path: path.join(folder, 'reduced'), ...sinkForm(run) };
    const result = await engine.reduce([mapped.path], steps.reduce, reduced, signal, part.columns);
    receipt.counts.out = result.records;
    return { part: await stageOutput(run, reduced.path, result, 'sha256'), reduced: true };
  });
}

/** Takes an output that the engine wrote in `sinkForm` to where it can be published. */
export function stageOutput(
  { plan, context, signal }: Pick<RangeRun, 'plan' | 'context' | 'signal'>,
  from: string,
  part: SqlPart,
  digest: DigestKind,
): Promise<StagedPart> {
  return plan.spec.sink?.partitionBy
    ? stageSections(context, plan, from, part, signal)
    : stagePart(context, from, part, { digest, gzip: isGzipped(plan) });
}

/** The form of the output's parts. One joined CSV file gets its header at commit. */
export function sinkForm({ plan }: Pick<RangeRun, 'plan'>): Omit<SqlOutput, 'path'> {
  const { compression: codec, rowGroupRows, partitionBy } = plan.spec.sink ?? {};
  // It is taken apart afterwards, when all of its values are known.
  if (partitionBy) return { format: 'parquet' };
  return { format: outputFormat(plan), header: !isSingleFile(plan), codec, rowGroupRows };
}

async function mapChunk(run: RangeRun, map: SqlMap, open: OpenChunk, slice: string): Promise<void> {
  const { receipt } = run;
  const { chunk } = open;
  if (open.rejected || readsEachRecord(run.plan)) return mapNormalised(run, map, open, slice);
  if (chunk.kind === 'rows') {
    const { firstRow, endRow } = chunk;
    const file = run.plan.files[chunk.file]!;
    const folder = path.dirname(slice);
    const paths = [await localParquet(run.context, file, open.source!, folder, { firstRow, endRow })];
    const { recordsIn, rejected } = await map.add({ kind: 'parquet', paths, firstRow, endRow });
    // What the engine cannot read our own reader may, or says what is wrong.
    if (rejected > 0) return mapNormalised(run, map, open, slice);
    receipt.counts.used += recordsIn;
    run.covered(open, null, null, recordsIn);
    return;
  }
  const copied = await copySlice(run, open, slice);
  const records = chunk.kind === 'items' ? chunk.to - chunk.from : undefined;
  const counts = copied.clean
    ? await map.add({ ...tableOf(run, slice), ...(records !== undefined && { records }) })
    : null;
  if (counts && counts.rejected === 0) {
    receipt.counts.used += counts.recordsIn;
    run.covered(open, copied.span, null, counts.recordsIn);
  } else {
    await mapNormalised(run, map, open, `${slice}-normalised`);
  }
  run.context.spare.keep(slice);
}

/** Copies the records of a chunk, as they stand, to where the engine may read them. */
async function copySlice(
  run: RangeRun,
  { chunk, source, range }: OpenChunk,
  slice: string,
): Promise<{ span: Span | null; clean: boolean }> {
  const { plan, context } = run;
  const writer = new PartWriter(slice, { over: context.spare.moveTo(slice) });
  try {
    if (chunk.kind === 'items') {
      writer.write(ndjsonLines((await planItems(context, plan)).slice(chunk.from, chunk.to)));
      return { span: null, clean: true };
    }
    const write = (bytes: Buffer) => writer.write(bytes);
    if (plan.format !== 'csv') return { span: await copyNdjsonRange(source!, range!, write), clean: true };
    return await copyCsvRange(source!, range!, plan.spec.source.csv, plan.columns.length, write);
  } finally {
    writer.close();
  }
}

type CsvDialect = Pick<CsvOptions, 'delimiter' | 'quote' | 'nullValues'> & { newline?: 'lf' };

interface Span {
  first: number;
  end: number;
}

/**
 * The engine found bad records in a slice, or bytes it would read otherwise than we do, or it is not for it to say which are
 * bad. Its own list of them knows neither our rules nor our offsets: the chunk is read by the reader that does, and only what
 * that lets through is handed over.
 */
async function mapNormalised(run: RangeRun, map: SqlMap, open: OpenChunk, slice: string): Promise<void> {
  const { plan, receipt, rejects } = run;
  const reader = await run.read(open);
  const names = plan.columns.map(({ name }) => name);
  const times = plan.columns.filter(({ type }) => type === 'timestamp').map(({ name }) => name);
  const toText = plan.format === 'csv' ? createCsvWriter(names) : ndjsonLines;
  const origin = await run.origin(open);
  const writer = new PartWriter(slice);
  let records = 0;
  let refused = 0;
  try {
    for await (const batch of reader.batches()) {
      run.control.check();
      for (const reject of batch.rejects) rejects.add(shifted(reject, origin));
      records += batch.rows.length + batch.rejects.length;
      refused += batch.rejects.length;
      for (const name of times) for (const row of batch.rows) row[name] = withSeconds(row[name]);
      writer.write(toText(batch.rows));
    }
  } finally {
    writer.close();
  }
  // Of a whole chunk without a good record the statement may still have something to say, of none that was mended not.
  if (open.rejected && refused === records) return;
  const counts = await map.add(tableOf(run, slice, OUR_CSV));
  // Its rows would be missing from the result, and from the counts.
  if (counts.rejected > 0) throw refusedTwice(open);
  receipt.counts.used += counts.recordsIn;
  run.covered(open, reader.span, reader.span?.lines ?? null, records);
}

/** The engine reads no zone behind hours and minutes alone. */
function withSeconds(timestamp: unknown): unknown {
  return typeof timestamp === 'string' ? timestamp.replace(/^(.{10}[ T]\d\d:\d\d)(?=[Z+-])/, '$1:00') : timestamp;
}

function refusedTwice({ chunk }: OpenChunk): MillraceError {
  return new MillraceError(
    'sql.unreadable',
    `the SQL engine cannot read records of chunk ${chunk.index} that are well formed; declare the columns of type float, ` +
      'date and timestamp as string in csv.types and cast them in the statement',
  );
}

/** As our own writer writes it: nulls empty, empty texts quoted. */
const OUR_CSV = { delimiter: ',', quote: '"', nullValues: [''], newline: 'lf' as const };

function tableOf({ plan }: RangeRun, slice: string, csv: CsvDialect = plan.spec.source.csv): SqlTable {
  const { columns } = plan;
  if (plan.format !== 'csv') return { kind: 'ndjson', path: slice, columns };
  const { delimiter, quote, nullValues, newline } = csv;
  return { kind: 'csv', path: slice, columns, delimiter, quote, nullValues, newline };
}
