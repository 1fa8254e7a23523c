import { firstPage, nextPage, pageRecords } from '../../formats/pages.js';
import type { CopiedPages, PagesInput } from '../tasks.js';
import { createDigest } from './part-digest.js';
import type { ThreadContext } from './context.js';
import { PartWriter } from './part-writer.js';
import type { Task } from './range-run.js';

/** What is fetched is put away when it is so much, or took so long: a walk that is cut goes on from there. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
const SEGMENT_MS = 10_000;

/** Some pages of an API, from where a walk stands, as a private file of NDJSON. */
export async function copyPages(
  { sources, work }: ThreadContext,
  { uri, label, pages, pointer, cursor }: PagesInput,
  { signal }: Task,
): Promise<CopiedPages> {
  const path = await work.scratchFile('pages');
  const writer = new PartWriter(path);
  const until = Date.now() + SEGMENT_MS;
  let at = cursor ?? firstPage(uri, pages);
  let rows = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const page = await sources.page!(at.url, signal);
      const { text, records } = await pageRecords(page, pointer, at, label);
      writer.write(text);
      rows += records;
      const digest = createDigest('sha256');
      digest.update(page.body);
      const next = nextPage(pages, at, page, records, digest.result(), label);
      if (!next || writer.bytes >= SEGMENT_BYTES || Date.now() >= until) {
        writer.close();
        return { path, rows, next };
      }
      at = next;
    }
  } catch (error) {
    writer.discard();
    throw error;
  }
}
