import { copyFileSync, renameSync } from 'node:fs';
import type { SqlPart } from '../sql/sql-engine.js';
import type { StagedPart } from '../tasks.js';
import type { ThreadContext } from './context.js';
import { fileBlocks } from './file-blocks.js';
import { createDigest } from './part-digest.js';
import { PartWriter } from './part-writer.js';
import type { PartForm } from './part-writer.js';

const BLOCK_BYTES = 1024 * 1024;

/** Takes an output of the SQL engine out of its scratch, to where it can be published. */
export async function stagePart(
  { work }: ThreadContext,
  from: string,
  { columns, records, bytes }: SqlPart,
  form: PartForm,
): Promise<StagedPart> {
  const path = await work.scratchFile('part');
  const blocks = fileBlocks(from, Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, Math.max(1, bytes))));
  if (form.gzip) return { ...zipped(blocks, path, form), records, columns };
  const digest = createDigest(form.digest);
  for (const block of blocks) digest.update(block);
  try {
    renameSync(from, path);
  } catch {
    // The scratch folder often is a memory file system, which a rename cannot leave.
    copyFileSync(from, path);
  }
  return { path, bytes, records, digest: digest.result(), columns };
}

function zipped(blocks: Iterable<Buffer>, path: string, form: PartForm): Pick<StagedPart, 'path' | 'bytes' | 'digest'> {
  const writer = new PartWriter(path, form);
  try {
    for (const block of blocks) writer.write(block);
  } catch (error) {
    writer.discard();
    throw error;
  }
  const digest = writer.close();
  return { path, bytes: writer.bytes, digest };
}
