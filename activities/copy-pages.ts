import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { bytes as bytesText } from '../src/core/figures.js';
import type { SourcePin } from '../src/core/plan.js';
import { keys } from '../src/core/receipt.js';
import { shownUri } from '../src/core/shown-uri.js';
import type { PagesSpec, SourceSpec } from '../src/core/spec.js';
import { memorySource } from '../src/formats/memory-source.js';
import { inferNdjsonTable } from '../src/formats/ndjson-infer.js';
import { firstPage, pageRecords } from '../src/formats/pages.js';
import type { PageCursor } from '../src/formats/pages.js';
import type { Dependencies } from './dependencies.js';
import { currentLane } from './lane.js';
import { pinOf } from './pin-of.js';

/** A JSON API whose pages are the source. */
export interface PagesRef {
  uri: string;
  /** As rejects and messages name it: without the query, which often is what opens it. */
  label: string;
  pages: PagesSpec;
  /** Of the array of records within a page. */
  pointer: string;
}

/** A file of a copy, in the work area. */
export interface CopiedFile {
  key: string;
  pin: SourcePin;
  rows: number;
}

/** What a walk has put away, and where it goes on: one entry of its log, written once. */
interface Segment {
  file: CopiedFile;
  next: PageCursor | null;
}

/** The paged API that a source is; null where it is none. */
export function pagesOf({ uri, pages, json }: SourceSpec): PagesRef | null {
  if (!pages) return null;
  const [only] = uri!;
  return { uri: only!, label: shownUri(only!), pages, pointer: json?.pointer ?? '' };
}

/**
 * Copies all pages into the work area, one after the other, for each names the next. What is fetched is put away every few
 * seconds, and a later attempt goes on behind it: of two that are at work at once the one that is first is followed by both.
 */
export async function copyPages(
  { pool, work }: Dependencies,
  job: string,
  ref: PagesRef,
  signal: AbortSignal,
): Promise<CopiedFile[]> {
  const files: CopiedFile[] = [];
  let cursor: PageCursor | null | undefined;
  do {
    const entry = `${keys.copies(job)}pages/${String(files.length).padStart(5, '0')}`;
    let segment = await work.tryRead(`${entry}.json`);
    if (!segment) {
      const made = await pool.run(
        'copyPages',
        { ...ref, cursor: cursor ?? undefined },
        { signal, lane: currentLane() },
      );
      const key = `${entry}-${randomUUID()}.ndjson`;
      try {
        signal.throwIfAborted();
        await work.publishFile(key, made.path);
      } finally {
        await rm(made.path, { force: true });
      }
      const own: Segment = { file: { key, pin: await pinOf(work, key), rows: made.rows }, next: made.next };
      if (!(await work.publish(`${entry}.json`, JSON.stringify(own)))) await work.remove(key);
      segment = await work.read(`${entry}.json`);
    }
    const { file, next } = JSON.parse(segment.toString()) as Segment;
    files.push(file);
    cursor = next;
  } while (cursor);
  return files;
}

/** What the first page tells of an API, before it is copied. */
export async function lookAtPages({ files }: Pick<Dependencies, 'files'>, ref: PagesRef) {
  if (!files.page) throw new Error('this process has no web');
  const cursor = firstPage(ref.uri, ref.pages);
  const page = await files.page(cursor.url);
  const { text, records } = await pageRecords(page, ref.pointer, cursor, ref.label);
  const table = await inferNdjsonTable(memorySource(text), ref.label);
  const first = `${ref.label}: the first page has ${records} records (${bytesText(page.body.length)})`;
  return {
    ...table,
    records,
    bytes: page.body.length,
    warnings: [
      ...table.warnings,
      `${first}; the pages are copied one after the other before the first chunk, and how many there are is known then`,
    ],
  };
}
