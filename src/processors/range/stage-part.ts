import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import type { SqlPart } from '../sql/sql-engine.js';
import type { StagedPart } from '../tasks.js';
import type { ThreadContext } from './context.js';

/** Takes an output of the SQL engine out of its scratch, to where it can be published. */
export async function stagePart(
  { work }: ThreadContext,
  from: string,
  { columns, records, bytes }: SqlPart,
): Promise<StagedPart> {
  const path = await work.scratchFile('part');
  const sha256 = await digestOf(from);
  // The scratch folder often is a memory file system, which a rename cannot leave.
  await rename(from, path).catch(() => copyFile(from, path));
  return { path, bytes, records, sha256, columns };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(block as Buffer);
  return hash.digest('hex');
}
