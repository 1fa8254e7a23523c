import { atOnce } from '../src/core/at-once.js';
import { chunksPerActivity, laneCount, ratedChunk, rowBorders, textChunkBytes } from '../src/core/chunking.js';
import { MillraceError } from '../src/core/errors.js';
import { bytes as bytesText } from '../src/core/figures.js';
import { isSingleFile, outputFormat } from '../src/core/part-format.js';
import { hasColumns, isOneChunk, readsEachRecord, textBytes } from '../src/core/plan.js';
import type { Packing, Plan, SourceFile } from '../src/core/plan.js';
import type { Column, ColumnType, Row } from '../src/core/records.js';
import { PACKING_HEAD_BYTES, packingOf, sourceFormat } from '../src/core/source-format.js';
import type { CsvOptions, JobSpec, SourceFormat } from '../src/core/spec.js';
import { detectDialect } from '../src/formats/csv-dialect.js';
import { inferColumns, inferCsvTable } from '../src/formats/csv-infer.js';
import { inferNdjsonTable, inferRowColumns } from '../src/formats/ndjson-infer.js';
import { parseOwnNdjson } from '../src/formats/ndjson-writer.js';
import { framedText, framesOf } from '../src/formats/packing/frames.js';
import { unpackedHead } from '../src/formats/packing/packing.js';
import { parquetShape, readParquetMetadata } from '../src/formats/parquet-file.js';
import { specDigest } from '../src/schema/spec.js';
import type { SourceRef } from '../src/processors/tasks.js';
import type { ByteSource, FoundObject } from '../src/stores/port.js';
import { chained } from './chained.js';
import { lookAtPages, pagesOf } from './copy-pages.js';
import { copiedSource, describeCopy, mustCopy, tableOf, tablesOf } from './copy-source.js';
import type { Dependencies } from './dependencies.js';
import { folderColumns } from './folder-columns.js';
import type { FolderColumns } from './folder-columns.js';

export interface Planned {
  plan: Plan;
  /** Columns of the result, as far as they are known before the run. */
  output: Array<{ name: string; type: string }> | null;
  sample: Row[];
  warnings: string[];
}

/** Which of the files that were found are the source. */
type Choose = (found: FoundObject[]) => Promise<FoundObject[]>;

/** What one file of a source looks like, before the chunks are laid out. */
interface Shape {
  columns: Column[];
  dataStart: number;
  headLines: number;
  /** Exact for Parquet, estimated for text. */
  records: number;
  /** The first records; not for Parquet, whose pages are decoded in threads only. */
  sample: Row[];
  warnings: string[];
  packing?: Packing;
  rowGroups?: { starts: number[]; bytes: number[] };
}

export const SAMPLE_ROWS = 10;
/** Of a packed file so much text is looked at. */
const HEAD_BYTES = 8 * 1024 * 1024;
/** The dialect of a CSV is told by so much of its text. */
const DIALECT_BYTES = 256 * 1024;
/** Files of a source that are looked at side by side. */
const LOOKS_AT_ONCE = 16;

/**
 * Looks at the source of a job and lays out its chunks.
 * @throws MillraceError `source.*`, `processor.*`, `sql.*`: whatever makes the job impossible
 */
export async function makePlan(
  dependencies: Dependencies,
  spec: JobSpec,
  job: string,
  choose: Choose = (found) => Promise.resolve(found),
): Promise<Planned> {
  const threads = await dependencies.threads();
  const { source } = spec;
  const laid =
    source.items || source.itemsKey !== undefined
      ? await planItems(dependencies, spec)
      : (await mustCopy(dependencies, job, spec))
        ? await planCopy(dependencies, spec, threads)
        : await planFiles(dependencies, spec, job, threads, choose);
  const check = await dependencies.check({
    use: spec.process.use,
    with: spec.process.with,
    columns: laid.columns,
    parquet:
      laid.format === 'parquet' && laid.files[0] && !readsEachRecord({ ...laid, spec })
        ? refOf(laid.files[0])
        : undefined,
  });
  checkPartition(spec, check.output);
  checkVisible(spec, check.reduces);
  const plan: Plan = {
    version: 1,
    job,
    specDigest: specDigest(spec),
    // The items have their own place; twice would be once too often.
    spec: { ...spec, source: { ...spec.source, items: undefined, csv: laid.csv ?? spec.source.csv } },
    format: laid.format,
    columns: laid.columns,
    ...(laid.union && { union: true }),
    files: laid.files,
    items: laid.items,
    itemCount: laid.itemCount,
    chunkBytes: laid.chunkBytes,
    chunkRows: laid.chunkRows,
    chunkCount: laid.chunkCount,
    chunksPerActivity: chunksPerActivity(laid.chunkCount, laid.bytes, threads, spec.options.rate),
    bytes: laid.bytes,
    records: laid.records,
    recordsExact: laid.format === 'items' || (laid.format === 'parquet' && laid.files.length > 0),
    reduces: check.reduces,
    concurrency: laneCount(spec.options.concurrency, threads),
  };
  return { plan, output: check.output, sample: laid.sample, warnings: [...laid.warnings, ...sinkWarnings(plan)] };
}

/** @throws MillraceError `sink.partition_column` as far as the columns of the result are known */
function checkPartition({ sink }: JobSpec, output: Planned['output']): void {
  const by = sink?.partitionBy;
  if (!by || !output) return;
  const names = output.map(({ name }) => name);
  const missing = by.find((name) => !names.includes(name));
  if (missing === undefined && names.length > by.length) return;
  const why =
    missing === undefined
      ? 'no column is left for the files themselves'
      : `the result has no column "${missing}"; it has ${names.join(', ')}`;
  throw new MillraceError('sink.partition_column', `sink.partitionBy: ${why}`);
}

/** @throws MillraceError `sink.not_per_chunk` */
function checkVisible({ sink }: JobSpec, reduces: boolean): void {
  if (!sink?.table?.visible || !reduces) return;
  throw new MillraceError(
    'sink.not_per_chunk',
    'sink.visible: perChunk wants a process whose chunks give rows of their own, and this one has a step over all of them; leave sink.visible out',
  );
}

interface Layout {
  format: Plan['format'];
  columns: Column[];
  union?: true;
  files: SourceFile[];
  items?: Row[];
  itemCount: number;
  chunkBytes: number;
  chunkRows: number;
  chunkCount: number;
  bytes: number;
  records: number;
  sample: Row[];
  /** With the dialect that was found, where that was asked for. */
  csv?: CsvOptions;
  warnings: string[];
}

async function planItems({ work }: Dependencies, { source, options }: JobSpec): Promise<Layout> {
  const stored = source.itemsKey ? (await work.read(source.itemsKey)).toString() : null;
  const items = source.items ?? parseOwnNdjson(stored!);
  const chunk = ratedChunk(options);
  const rows = chunk !== 'auto' && 'rows' in chunk ? chunk.rows : Math.max(1, items.length);
  return {
    format: 'items',
    columns: inferRowColumns(items),
    files: [],
    items: stored === null ? items : undefined,
    itemCount: items.length,
    chunkBytes: 0,
    chunkRows: rows,
    chunkCount: Math.max(1, Math.ceil(items.length / rows)),
    bytes: 0,
    records: items.length,
    sample: items.slice(0, SAMPLE_ROWS),
    warnings: [],
  };
}

/** What is known of a table, or of the pages of an API, before it is copied. */
async function planCopy(dependencies: Dependencies, spec: JobSpec, threads: number): Promise<Layout> {
  const pages = pagesOf(spec.source);
  if (!pages) return planTable(dependencies, spec, threads);
  const { columns, records, bytes, sampleRows, warnings } = await lookAtPages(dependencies, pages);
  return { ...UNKNOWN, format: 'ndjson', columns, bytes, records, sample: sampleRows, warnings, chunkCount: 1 };
}

const UNKNOWN = { files: [], itemCount: 0, chunkBytes: 0, chunkRows: 0 };

async function planTable(dependencies: Dependencies, { source, options }: JobSpec, threads: number): Promise<Layout> {
  const shape = await tablesOf(dependencies).look(tableOf(source)!, SAMPLE_ROWS);
  const { columns, records, bytes, sample } = shape;
  const chunk = ratedChunk(options);
  const borders = rowBorders(chunk, [0, records], [bytes], threads);
  return {
    format: 'parquet',
    columns: columns.map(({ name, type }) => ({ name, type })),
    ...UNKNOWN,
    chunkCount: Math.max(shape.ranges, borders.length - 1),
    bytes,
    records,
    sample,
    warnings: [describeCopy(shape), ...shape.warnings],
  };
}

async function planFiles(
  dependencies: Dependencies,
  { source, options }: JobSpec,
  job: string,
  threads: number,
  choose: Choose,
): Promise<Layout> {
  const store = dependencies.files;
  const result = (await copiedSource(dependencies, job, source)) ?? (await chained(dependencies, source));
  const found = await choose(result?.found ?? (await findAll(store, source.uri!)));
  const format = result?.format ?? oneFormat(found, source.format);
  const csv = await settledDialect(store, found[0]!, format, source);
  const settled = { ...source, csv: csv.options };
  const shapes = await atOnce(LOOKS_AT_ONCE, found, (object) => lookAt(store, object, format, settled));
  const folders = folderColumns(found, source);
  const columns = withFolders(oneTable(found, shapes, format, source), folders);
  const bytes = found.reduce((sum, { pin }) => sum + pin.size, 0);
  const records = shapes.reduce((sum, shape) => sum + shape.records, 0);
  const chunk = ratedChunk(options);
  const text = found.reduce((sum, { pin }, i) => sum + textBytes({ size: pin.size, ...shapes[i] }), 0);
  const chunkBytes = textChunkBytes(chunk, text, records === 0 ? 1 : text / records, threads);

  let chunkCount = 0;
  const files = found.map(({ uri, label, pin }, i): SourceFile => {
    const { dataStart, headLines, rowGroups, packing } = shapes[i]!;
    const own = hasColumns({ format }) && namesOf(shapes[i]!.columns);
    const borders = rowGroups && rowBorders(chunk, rowGroups.starts, rowGroups.bytes, threads);
    const body = textBytes({ size: pin.size, packing }) - dataStart;
    const byBytes = isOneChunk({ packing }) ? 1 : Math.max(1, Math.ceil(body / chunkBytes));
    const count = borders ? borders.length - 1 : byBytes;
    const file = {
      uri,
      label,
      size: pin.size,
      pin,
      firstChunk: chunkCount,
      chunkCount: count,
      dataStart,
      headLines,
      ...(own && !sameNames(own, columns) && { columns: own }),
      ...(folders && { constants: folders.values[i]! }),
      ...(packing && { packing }),
      rowBorders: borders,
    };
    chunkCount += count;
    return file;
  });
  return {
    format,
    columns,
    ...(files.some((file) => file.columns ?? file.constants) && { union: true }),
    files,
    itemCount: 0,
    chunkBytes,
    chunkRows: 0,
    chunkCount,
    bytes,
    records,
    sample: shapes[0]!.sample.map((row) => ({ ...folders?.values[0], ...row })),
    csv: csv.options,
    warnings: [...csv.warnings, ...new Set(shapes.flatMap((shape) => shape.warnings))],
  };
}

/** The dialect of the first file, where it is asked for; the others have to be of the same. */
async function settledDialect(
  store: Dependencies['files'],
  { uri, label, pin }: FoundObject,
  format: SourceFormat,
  spec: JobSpec['source'],
): Promise<{ options: CsvOptions; warnings: string[] }> {
  const options = spec.csv;
  const given = (one: string) => (one === 'auto' ? undefined : one);
  const asked = { delimiter: given(options.delimiter), quote: given(options.quote) };
  if (asked.delimiter !== undefined && asked.quote !== undefined) return { options, warnings: [] };
  if (format !== 'csv') return { options: { ...options, delimiter: ',', quote: '"' }, warnings: [] };
  const source = await store.open(uri, pin, SAMPLED_ONLY);
  try {
    const { head } = await headOf(source, label, format, spec);
    const bytes = await head.read(0, Math.min(DIALECT_BYTES, head.size));
    const found = detectDialect(bytes, bytes.length === head.size, asked);
    const dialect = found ?? { delimiter: ',', quote: asked.quote ?? '"' };
    const told = `csv.delimiter: ${JSON.stringify(dialect.delimiter)}, csv.quote: ${JSON.stringify(dialect.quote)}`;
    const why = found ? 'found' : 'no delimiter makes two fields of most records; taken';
    return { options: { ...options, ...dialect }, warnings: [`${label}: ${why} ${told}`] };
  } finally {
    await source.close();
  }
}

/** A file is looked at here and there: nothing is read in order. */
const SAMPLED_ONLY = 0;

/** Every object that the uris name, once, in their order. */
async function findAll(store: Dependencies['files'], uris: string[]): Promise<FoundObject[]> {
  const found = (await Promise.all(uris.map((uri) => store.find(uri)))).flat();
  return [...new Map(found.map((object) => [object.uri, object])).values()];
}

function oneFormat(found: FoundObject[], declared: SourceFormat | undefined): SourceFormat {
  const format = sourceFormat(found[0]!.label, declared);
  const other = found.find(({ label }) => sourceFormat(label, declared) !== format);
  if (!other) return format;
  throw new MillraceError(
    'source.mixed_formats',
    `"${found[0]!.label}" is ${format} and "${other.label}" is ${sourceFormat(other.label, declared)}; one job reads one format`,
  );
}

async function lookAt(
  store: Dependencies['files'],
  { uri, label, pin }: FoundObject,
  format: SourceFormat,
  spec: JobSpec['source'],
): Promise<Shape> {
  const source = await store.open(uri, pin, SAMPLED_ONLY);
  try {
    if (source.stream !== undefined && format === 'parquet') throw noRanges(label);
    if (format === 'parquet') {
      const metadata = await readParquetMetadata(source, label);
      const { columns, rowGroupStarts, rowGroupBytes } = parquetShape(metadata);
      const rowGroups = { starts: rowGroupStarts, bytes: rowGroupBytes };
      return {
        columns,
        dataStart: 0,
        headLines: 0,
        records: rowGroupStarts.at(-1)!,
        sample: [],
        warnings: [],
        rowGroups,
      };
    }
    const { packing, text, head } = await headOf(source, label, format, spec);
    const table =
      format === 'csv'
        ? await inferCsvTable(head, spec.csv, label, spec.evolution === 'union')
        : await inferNdjsonTable(head, label);
    // Of a packed file the rest is taken to be packed as tightly as its head.
    const size = !text || text.whole ? head.size : (head.size * (pin.size || text.packedBytes)) / text.packedBytes;
    const records = table.recordBytes > 0 ? Math.round((size - table.dataStart) / table.recordBytes) : 0;
    const warnings = [
      ...table.warnings,
      ...(text && !text.whole ? [oneChunk(label, pin.size)] : []),
      ...('etag' in pin && !pin.etag && !pin.modified
        ? [`${label}: its server says nothing of its version; a change is only seen by its size`]
        : []),
    ];
    return { ...table, records, sample: table.sampleRows, warnings, ...(packing && { packing }) };
  } finally {
    await source.close();
  }
}

/** The text that a file begins with, and how it is packed. */
async function headOf(source: ByteSource, label: string, format: SourceFormat, spec: JobSpec['source']) {
  const start = await source.read(0, PACKING_HEAD_BYTES);
  const packing = packingOf(label, format, spec, start) ?? (source.stream !== undefined ? {} : null);
  const frames = packing && (await framesOf(source, packing));
  if (frames) return { packing: { ...packing, frames }, text: null, head: framedText(source, packing, frames, label) };
  const text = packing ? await unpackedHead(source, packing, label, HEAD_BYTES) : null;
  return { packing, text, head: text?.head ?? source };
}

function refOf({ uri, pin, label }: SourceFile): SourceRef {
  return { uri, pin, label };
}

function noRanges(label: string): MillraceError {
  return new MillraceError(
    'source.no_ranges',
    `source "${label}" is Parquet, of which parts are read, and its server gives whole files only; download it first`,
  );
}

function oneChunk(label: string, bytes: number): string {
  return `${label} (${bytesText(bytes)}) can only be read from its beginning: it is one chunk, and the types of its columns are those of its first ${bytesText(HEAD_BYTES)}; many such files are read side by side`;
}

/**
 * The columns of all files together, each of a type that all values fit.
 * @throws MillraceError `source.columns_differ` where the files must have the same, in the same order in CSV and Parquet
 */
function oneTable(
  found: FoundObject[],
  shapes: Shape[],
  format: SourceFormat,
  { evolution = hasColumns({ format }) ? 'strict' : 'union', csv }: JobSpec['source'],
): Column[] {
  const columns = unionOf(shapes);
  if (evolution === 'union') {
    // A declared type must be of a column that one of the files has.
    if (format === 'csv') inferColumns(namesOf(columns), [], csv.types);
    return columns;
  }
  const [first] = shapes;
  const wanted = hasColumns({ format }) ? first!.columns : sortedByName(first!.columns);
  for (const [i, shape] of shapes.entries()) {
    const names = namesOf(hasColumns({ format }) ? shape.columns : sortedByName(shape.columns));
    if (sameNames(names, wanted)) continue;
    const instead = hasColumns({ format }) ? '; source.evolution: union takes files that differ' : '';
    throw new MillraceError(
      'source.columns_differ',
      `"${found[i]!.label}" has the columns ${names.join(', ')}; wanted those of "${found[0]!.label}": ${namesOf(wanted).join(', ')}${instead}`,
    );
  }
  return columns;
}

/** A column that the files have themselves is theirs. */
function withFolders(columns: Column[], folders: FolderColumns | null): Column[] {
  const names = namesOf(columns);
  return [...columns, ...(folders?.columns ?? []).filter(({ name }) => !names.includes(name))];
}

function namesOf(columns: readonly Column[]): string[] {
  return columns.map(({ name }) => name);
}

function sameNames(names: readonly string[], columns: readonly Column[]): boolean {
  return names.length === columns.length && names.every((name, i) => name === columns[i]!.name);
}

function sortedByName(columns: readonly Column[]): Column[] {
  return [...columns].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function unionOf(shapes: Shape[]): Column[] {
  const types = new Map<string, ColumnType>();
  for (const { name, type } of shapes.flatMap((shape) => shape.columns)) {
    const known = types.get(name);
    types.set(name, known ? wider(known, type) : type);
  }
  return [...types].map(([name, type]) => ({ name, type }));
}

function wider(a: ColumnType, b: ColumnType): ColumnType {
  if (a === b) return a;
  const pair = new Set([a, b]);
  if (pair.has('int') && pair.has('float')) return 'float';
  if (pair.has('date') && pair.has('timestamp')) return 'timestamp';
  return pair.has('json') ? 'json' : 'string';
}

function sinkWarnings(plan: Plan): string[] {
  const joins = plan.spec.sink && outputFormat(plan) === 'parquet' && isSingleFile(plan) && !plan.reduces;
  if (!joins || plan.chunkCount === 1) return [];
  return [
    'one Parquet file out of many parts is written anew at commit; a folder (sink.uri ending in "/") avoids that',
  ];
}
