import { open, rm } from 'node:fs/promises';
import type { WorkArea } from '../src/stores/port.js';

const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * Lends parts as files of this machine, to a library that reads files itself. Those that lie on no disk here are copied
 * first, which needs room for all of them beside each other.
 */
export async function withLocalParts<T>(
  work: WorkArea,
  keys: readonly string[],
  use: (paths: string[]) => Promise<T>,
): Promise<T> {
  const paths: string[] = [];
  const copies: string[] = [];
  try {
    for (const key of keys) {
      const known = work.localPath(key);
      const path = known ?? (await work.scratchFile('copy'));
      if (known === null) {
        copies.push(path);
        await copyTo(work, key, path);
      }
      paths.push(path);
    }
    return await use(paths);
  } finally {
    await Promise.all(copies.map((copy) => rm(copy, { force: true })));
  }
}

async function copyTo(work: WorkArea, key: string, path: string): Promise<void> {
  const source = await work.open(key);
  const file = await open(path, 'wx');
  try {
    for (let at = 0; at < source.size; at += BLOCK_BYTES) await file.writeFile(await source.read(at, at + BLOCK_BYTES));
  } finally {
    await file.close();
    await source.close();
  }
}
