import { csvRangeReader } from '../../formats/csv-reader.js';
import { itemsReader } from '../../formats/items-reader.js';
import { ndjsonRangeReader } from '../../formats/ndjson-reader.js';
import { framedText } from '../../formats/packing/frames.js';
import { readParquetMetadata } from '../../formats/parquet-file.js';
import { parseOwnNdjson } from '../../formats/ndjson-writer.js';
import { parquetRangeReader } from '../../formats/parquet-reader.js';
import type { RangeReader } from '../../formats/reader.js';
import type { TextRange } from '../../formats/reader.js';
import { chunkAt } from '../../core/plan.js';
import type { Chunk, Plan } from '../../core/plan.js';
import type { Row } from '../../core/records.js';
import { keys } from '../../core/receipt.js';
import type { ByteSource } from '../../stores/port.js';
import type { ThreadContext } from './context.js';
import { alignedReader } from './aligned-rows.js';
import { unpackFile } from './unpack-file.js';
import { rejectedReader } from './rejected-reader.js';
import type { RejectedRecord } from './rejected-reader.js';

/** A chunk of the plan with its file open. */
export interface OpenChunk {
  chunk: Chunk;
  /** Absent for items. */
  source?: ByteSource;
  /** Text only: where to read, and whether the first record start is sure. */
  range?: TextRange;
  /** Only these of its records are to be read. */
  rejected?: RejectedRecord[];
}

/** The last record of a chunk ends behind it, mostly this near. */
const TAIL_BYTES = 64 * 1024;

/** The file that neighbouring chunks are read from: opened once, because that costs more than a small chunk. */
export class HeldFile {
  private file = -1;
  private source: ByteSource | undefined;

  constructor(
    private readonly context: ThreadContext,
    private readonly plan: Plan,
    /** Throws where the work is to stop. */
    private readonly check: () => void,
    /** Where the chunks end that are read one after the other. Absent: nobody knows. */
    private readonly to?: number,
  ) {}

  /** @throws MillraceError `source.changed` where the file is not the planned one */
  async take(file: number): Promise<ByteSource> {
    if (this.file === file) return this.source!;
    await this.done();
    this.source = await this.text(file);
    this.file = file;
    return this.source;
  }

  /** Looks at the file once more: what changed while it was read may have been read half old and half new. */
  async done(): Promise<void> {
    const { file } = this;
    await this.close();
    if (file >= 0) await (await this.open(file)).close();
  }

  async close(): Promise<void> {
    const { source } = this;
    this.file = -1;
    this.source = undefined;
    await source?.close();
  }

  private async text(file: number): Promise<ByteSource> {
    const { packing, label } = this.plan.files[file]!;
    const source = await this.open(file, this.readTo(file));
    if (!packing) return source;
    if (packing.frames) return framedText(source, packing, packing.frames, label);
    try {
      return await unpackFile(this.context, source, packing, label, this.check);
    } finally {
      await source.close();
    }
  }

  private readTo(file: number): number | undefined {
    const { packing, firstChunk, chunkCount } = this.plan.files[file]!;
    if (packing || this.to === undefined) return undefined;
    const last = chunkAt(this.plan, Math.min(this.to, firstChunk + chunkCount) - 1);
    return last.kind === 'bytes' ? last.end + TAIL_BYTES : undefined;
  }

  private open(file: number, until?: number): Promise<ByteSource> {
    const { uri, pin } = this.plan.files[file]!;
    return this.context.sources.open(uri, pin, until);
  }
}

/**
 * A chunk with what it is read from.
 * @param start the true first byte; absent: it is the chunk's own start, and guessed unless that begins the file's data
 */
export async function openChunk(held: HeldFile, plan: Plan, chunk: Chunk, start?: number): Promise<OpenChunk> {
  if (chunk.kind === 'items') return { chunk };
  const source = await held.take(chunk.file);
  if (chunk.kind === 'rows') return { chunk, source };
  const file = plan.files[chunk.file]!;
  const range: TextRange = {
    start: start ?? chunk.start,
    end: chunk.end,
    exact: start !== undefined || chunk.start === file.dataStart,
    label: file.label,
    chunk: chunk.index,
    ...(file.packing?.json && { lineless: true }),
  };
  return { chunk, source, range };
}

/** The records of an open chunk. */
export async function readChunk(
  context: ThreadContext,
  plan: Plan,
  { chunk, source, range, rejected }: OpenChunk,
): Promise<RangeReader> {
  if (rejected) {
    return rejectedReader(plan, rejected, source, (numbers) => rowsOf(context, plan, { chunk, source }, numbers));
  }
  switch (chunk.kind) {
    case 'items':
      return itemsReader((await planItems(context, plan)).slice(chunk.from, chunk.to));
    case 'rows': {
      const file = plan.files[chunk.file]!;
      const { label } = file;
      const metadata = await readParquetMetadata(source!, label);
      return alignedReader(plan, file, (columns) =>
        parquetRangeReader(source!, metadata, { ...chunk, label }, columns),
      );
    }
    case 'bytes':
      return alignedReader(plan, plan.files[chunk.file]!, (columns) =>
        plan.format === 'csv'
          ? csvRangeReader(source!, range!, { columns, csv: plan.spec.source.csv })
          : ndjsonRangeReader(source!, range!, { columns }),
      );
  }
}

/** What rejects name a chunk's source by. */
export function labelOf(plan: Plan, chunk: { kind: string; file?: number }): string {
  return chunk.file === undefined ? 'items' : plan.files[chunk.file]!.label;
}

/** Some rows of a chunk of items or of Parquet, by their numbers in the whole source. */
async function rowsOf(
  context: ThreadContext,
  plan: Plan,
  open: OpenChunk,
  numbers: ReadonlySet<number>,
): Promise<Map<number, Row>> {
  const { chunk } = open;
  const before = chunk.kind === 'rows' ? chunk.firstRow : chunk.kind === 'items' ? chunk.from : 0;
  const found = new Map<number, Row>();
  for await (const { rows, records } of (await readChunk(context, plan, open)).batches()) {
    for (const [i, row] of rows.entries()) {
      const number = before + records[i]!;
      if (numbers.has(number)) found.set(number, row);
    }
  }
  return found;
}

/** The inline items of a job: in the plan when few, else in the work area. */
export async function planItems(context: ThreadContext, plan: Plan): Promise<Row[]> {
  if (plan.items) return plan.items;
  return parseOwnNdjson((await context.work.read(keys.items(plan.job))).toString());
}
