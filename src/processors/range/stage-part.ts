import { createReadStream } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import type { DigestKind } from '../../core/receipt.js';
import type { SqlPart } from '../sql/sql-engine.js';
import type { StagedPart } from '../tasks.js';
import type { ThreadContext } from './context.js';
import { createDigest } from './part-digest.js';

/** Takes an output of the SQL engine out of its scratch, to where it can be published. */
export async function stagePart(
  { work }: ThreadContext,
  from: string,
  { columns, records, bytes }: SqlPart,
  kind: DigestKind,
): Promise<StagedPart> {
  const path = await work.scratchFile('part');
  const digest = await digestOf(from, kind);
  // The scratch folder often is a memory file system, which a rename cannot leave.
  await rename(from, path).catch(() => copyFile(from, path));
  return { path, bytes, records, digest, columns };
}

async function digestOf(path: string, kind: DigestKind): Promise<string> {
  const digest = createDigest(kind);
  for await (const block of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(block as Buffer);
  return digest.result();
}
