import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../core/errors.js';
import { stagedFile } from './local-sink.js';
import { openFile } from './local-file.js';
import type { WorkArea } from './port.js';
import { sweepStaging } from './sweep-staging.js';

/**
 * A work area in a local folder. Publishing is `link()`, which fails where the name is taken: of two attempts one wins,
 * whatever they do at the same moment.
 * @param folder absolute; made when absent
 */
export async function createWorkArea(folder: string): Promise<WorkArea> {
  const staging = path.join(folder, '.staging');
  await mkdir(staging, { recursive: true }).catch((error: Error) => {
    throw new MillraceError(
      'work.unusable',
      `work area "${folder}" cannot be made: ${error.message}; set MILLRACE_WORK`,
      {
        cause: error,
      },
    );
  });

  const at = (key: string) => {
    const full = path.join(folder, key);
    if (key !== '' && !full.startsWith(folder + path.sep)) throw new RangeError(`key "${key}" leaves the work area`);
    return full;
  };

  async function stage(data: Uint8Array | string): Promise<string> {
    const staged = path.join(staging, randomUUID());
    try {
      await writeFile(staged, data);
    } catch (error) {
      // On a full disk there is a file all the same, and it takes of the space that is wanting.
      await rm(staged, { force: true });
      throw error;
    }
    return staged;
  }

  async function publishFile(key: string, staged: string): Promise<boolean> {
    const target = at(key);
    try {
      await inFolderOf(target, () => link(staged, target));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await unlink(staged);
    }
  }

  return {
    read: async (key) => readFile(at(key)),

    async tryRead(key) {
      try {
        return await readFile(at(key));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },

    open: async (key) => openFile(at(key)),

    async list(prefix) {
      const names = await readdir(at(prefix)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      return names.sort().map((name) => prefix + name);
    },

    publish: async (key, data) => publishFile(key, await stage(data)),
    publishFile,

    async replace(key, data) {
      const staged = await stage(data);
      const target = at(key);
      await inFolderOf(target, () => rename(staged, target));
    },

    async scratchFile(hint) {
      return path.join(staging, `${randomUUID()}-${hint}`);
    },

    openScratch: openFile,

    localPath: at,

    async stage(key) {
      const target = at(key);
      await mkdir(path.dirname(target), { recursive: true });
      return stagedFile(path.join(staging, randomUUID()), target);
    },

    async remove(prefix) {
      await rm(at(prefix), { recursive: true, force: true });
    },

    sweep: () => sweepStaging(staging),
  };
}

/** Runs `act`, making the target's folder when it turns out to be absent: cheaper than asking each time. */
async function inFolderOf(target: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(path.dirname(target), { recursive: true });
    await act();
  }
}
