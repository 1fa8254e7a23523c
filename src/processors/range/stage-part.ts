import { createReadStream } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import type { DigestKind } from '../../core/receipt.js';
import type { SqlPart } from '../sql/sql-engine.js';
import type { StagedPart } from '../tasks.js';
import type { ThreadContext } from './context.js';
import { createDigest } from './part-digest.js';
import { PartWriter } from './part-writer.js';
import type { PartForm } from './part-writer.js';

/** Takes an output of the SQL engine out of its scratch, to where it can be published. */
export async function stagePart(
  { work }: ThreadContext,
  from: string,
  { columns, records, bytes }: SqlPart,
  form: PartForm,
): Promise<StagedPart> {
  const path = await work.scratchFile('part');
  if (form.gzip) return { ...(await zipped(from, path, form)), records, columns };
  const digest = await digestOf(from, form.digest);
  // The scratch folder often is a memory file system, which a rename cannot leave.
  await rename(from, path).catch(() => copyFile(from, path));
  return { path, bytes, records, digest, columns };
}

async function zipped(
  from: string,
  path: string,
  form: PartForm,
): Promise<Pick<StagedPart, 'path' | 'bytes' | 'digest'>> {
  const writer = new PartWriter(path, form);
  try {
    for await (const block of blocksOf(from)) writer.write(block);
  } catch (error) {
    writer.discard();
    throw error;
  }
  const digest = writer.close();
  return { path, bytes: writer.bytes, digest };
}

async function digestOf(path: string, kind: DigestKind): Promise<string> {
  const digest = createDigest(kind);
  for await (const block of blocksOf(path)) digest.update(block);
  return digest.result();
}

function blocksOf(path: string): AsyncIterable<Buffer> {
  return createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
}
