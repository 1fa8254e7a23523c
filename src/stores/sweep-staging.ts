import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** What nobody has touched for so long belongs to nobody: private files, and uploads that were begun. */
export const STALE_MS = 24 * 3_600_000;

/** Removes the private files of attempts that a killed worker or an ended thread left, once nobody has touched them for a day. */
export async function sweepStaging(staging: string): Promise<void> {
  for (const name of await readdir(staging)) {
    const file = path.join(staging, name);
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE_MS) await rm(file, { recursive: true, force: true });
  }
}
