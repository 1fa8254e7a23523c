import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { InspectInput } from '../src/contract.js';
import { bytes as bytesText } from '../src/core/figures.js';
import { keys } from '../src/core/receipt.js';
import type { JobSpec, SourceSpec } from '../src/core/spec.js';
import { isTableUri } from '../src/core/table-uri.js';
import { WORK_SCHEME } from '../src/stores/port.js';
import type { FoundObject, TableRange, TableRef, TableShape, Tables } from '../src/stores/port.js';
import type { Chained } from './chained.js';
import { copyPages, pagesOf } from './copy-pages.js';
import type { CopiedFile } from './copy-pages.js';
import type { Dependencies } from './dependencies.js';
import { withHeartbeats } from './heartbeats.js';
import { currentLane } from './lane.js';
import { pinOf } from './pin-of.js';
import { specOf } from './spec-of.js';

/** What a copy of a source is, once it is whole. */
interface Copied {
  label: string;
  /** Absent from copies of older versions: Parquet. */
  format?: 'parquet' | 'ndjson';
  rows: number;
  files: Array<Omit<CopiedFile, 'rows'>>;
}

/** What a source is called that is copied before it is planned; null for all others. */
export function copiedLabel(source: SourceSpec): string | null {
  return tableOf(source)?.uri ?? pagesOf(source)?.label ?? null;
}

/** The table or query that a source is; null where it is none. */
export function tableOf({ uri, query, key }: SourceSpec): TableRef | null {
  const [only] = uri ?? [];
  return only !== undefined && isTableUri(only) ? { uri: only, query, key } : null;
}

export function tablesOf({ files }: Pick<Dependencies, 'files'>): Tables {
  if (!files.tables) throw new Error('this process has no tables');
  return files.tables;
}

/**
 * Copies a table or the pages of an API into the work area, from where the job reads it.
 * @throws MillraceError `source.*`, `postgres.*`, `connection.unknown`
 */
export async function copySource(dependencies: Dependencies, input: InspectInput): Promise<void> {
  const { job } = input;
  const { source } = specOf(input);
  if (await dependencies.work.tryRead(keys.copied(job))) return;
  const pages = pagesOf(source);
  if (!pages) return copyTable(dependencies, job, tableOf(source)!);
  await withHeartbeats(async (signal) => {
    const files = await copyPages(dependencies, job, pages, signal);
    await publishCopied(dependencies, job, { label: pages.label, format: 'ndjson' }, files);
  });
}

/** As Parquet: range by range, in parallel, all as of one moment. What a dead attempt left is removed; another moment could not be told from it. */
async function copyTable(dependencies: Dependencies, job: string, table: TableRef): Promise<void> {
  const folder = `${keys.copies(job)}${randomUUID()}/`;
  try {
    await withHeartbeats((signal) =>
      tablesOf(dependencies).underSnapshot(
        table,
        async ({ shape: { label }, ranges, lost }) => {
          const files = await copyAll(dependencies, ranges, folder, AbortSignal.any([signal, lost]));
          await publishCopied(dependencies, job, { label, format: 'parquet' }, files);
        },
        signal,
      ),
    );
  } finally {
    await sweepCopies(dependencies, job, folder);
  }
}

async function publishCopied(
  { work }: Dependencies,
  job: string,
  about: Pick<Copied, 'label' | 'format'>,
  files: CopiedFile[],
): Promise<void> {
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const copied: Copied = { ...about, rows, files: files.map(({ key, pin }) => ({ key, pin })) };
  await work.publish(keys.copied(job), JSON.stringify(copied));
}

async function copyAll(
  { pool, work }: Dependencies,
  ranges: TableRange[],
  folder: string,
  signal: AbortSignal,
): Promise<CopiedFile[]> {
  const failed = new AbortController();
  const copyOne = async (range: TableRange, n: number): Promise<CopiedFile> => {
    const options = { signal: AbortSignal.any([signal, failed.signal]), lane: currentLane() };
    const { path, records } = await pool.run('copyRange', range, options);
    const key = `${folder}${String(n).padStart(5, '0')}.parquet`;
    try {
      options.signal.throwIfAborted();
      await work.publishFile(key, path);
    } finally {
      await rm(path, { force: true });
    }
    return { key, pin: await pinOf(work, key), rows: records };
  };
  const ends = await Promise.allSettled(
    ranges.map((range, n) =>
      copyOne(range, n).catch((error: unknown) => {
        // The first fault is the reason; what the others then say follows from it.
        if (!failed.signal.aborted) failed.abort(error);
        throw error;
      }),
    ),
  );
  if (failed.signal.aborted) throw failed.signal.reason;
  return ends.map((end) => (end as PromiseFulfilledResult<CopiedFile>).value);
}

/** Leaves the copy that counts, and of others nothing. Before there is one, only our own goes: another attempt may be at work. */
async function sweepCopies({ work }: Dependencies, job: string, own: string): Promise<void> {
  const text = await work.tryRead(keys.copied(job));
  const copied = text && (JSON.parse(text.toString()) as Copied);
  if (!copied) return work.remove(own);
  for (const name of await work.list(keys.copies(job))) {
    if (name !== keys.copied(job) && !copied.files.some(({ key }) => key.startsWith(`${name}/`)))
      await work.remove(`${name}/`);
  }
}

/** The copy of a job's source, as files to read; null where there is none. */
export async function copiedSource(
  { work }: Pick<Dependencies, 'work'>,
  job: string,
  spec: SourceSpec,
): Promise<Chained | null> {
  if (copiedLabel(spec) === null) return null;
  const text = await work.tryRead(keys.copied(job));
  if (!text) return null;
  const { label, format = 'parquet', files } = JSON.parse(text.toString()) as Copied;
  const found = files.map(({ key, pin }, n): FoundObject => {
    const name = files.length === 1 ? label : `${label} #${n + 1}`;
    return { uri: WORK_SCHEME + key, label: name, pin };
  });
  return { found, format };
}

/** What a plan says of a source that is copied first. */
export function describeCopy({ label, records, bytes, key, split, ranges }: TableShape): string {
  const by = { key: `by ${key.join(', ')}`, blocks: 'by where its rows lie', none: 'as it comes' }[split];
  const ways = ranges === 1 ? 'in one range' : `in ${ranges} ranges ${by}`;
  return `${label}: about ${records} rows (${bytesText(bytes)}) are copied ${ways}, as of one moment, before the first chunk`;
}

/** Whether the job has to copy its source before it can be planned. */
export async function mustCopy({ work }: Dependencies, job: string, spec: JobSpec): Promise<boolean> {
  return copiedLabel(spec.source) !== null && (await work.tryRead(keys.copied(job))) === null;
}
