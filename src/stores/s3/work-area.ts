import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../../core/errors.js';
import { openFile } from '../local-file.js';
import type { WorkArea } from '../port.js';
import { STALE_MS, sweepStaging } from '../sweep-staging.js';
import type { Bucket } from './bucket.js';
import { openVersion } from './s3-store.js';
import { stagedObject } from './staged-object.js';

const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * A work area in a bucket, for workers that share no disk. Publishing is a write on the condition that there is no such key:
 * of two attempts one wins.
 * @param prefix ends in `/`, or is empty
 * @param staging absolute folder of this machine for private files; made when absent
 */
export async function createS3WorkArea(bucket: Bucket, prefix: string, staging: string): Promise<WorkArea> {
  await mkdir(staging, { recursive: true });
  const at = (key: string) => prefix + key;

  const tryRead = (key: string) => bucket.get(at(key));

  /** What was found of a key. @throws MillraceError `source.not_found` where nothing was */
  function there<T>(key: string, found: T | null): T {
    if (found !== null) return found;
    throw new MillraceError('source.not_found', `"${bucket.uri(at(key))}" is not in the work area`);
  }

  async function uploadFile(key: string, file: string): Promise<boolean> {
    const staged = stagedObject(bucket, at(key));
    const source = await openFile(file);
    try {
      for (let start = 0; start < source.size; start += BLOCK_BYTES) {
        await staged.append(await source.read(start, start + BLOCK_BYTES));
      }
      return await staged.publish('error');
    } catch (error) {
      await staged.discard();
      throw error;
    } finally {
      await source.close();
    }
  }

  return {
    read: async (key) => there(key, await tryRead(key)),
    tryRead,
    open: async (key) => openVersion(bucket, there(key, await bucket.head(at(key)))),
    list: async (folder) => (await bucket.names(at(folder))).map((name) => folder + name),
    publish: (key, data) => bucket.put(at(key), Buffer.from(data), true),

    async publishFile(key, file) {
      try {
        return await uploadFile(key, file);
      } finally {
        await rm(file, { force: true });
      }
    },

    replace: async (key, data) => void (await bucket.put(at(key), Buffer.from(data), false)),
    scratchFile: async (hint) => path.join(staging, `${randomUUID()}-${hint}`),
    openScratch: openFile,
    localPath: () => null,
    stage: async (key) => stagedObject(bucket, at(key)),

    async remove(key) {
      const folder = key.endsWith('/') || key === '' ? key : `${key}/`;
      const keys = folder === key ? [] : [at(key)];
      for await (const found of bucket.list(at(folder))) keys.push(found.key);
      await bucket.remove(keys);
    },

    async sweep() {
      await sweepStaging(staging);
      const oldest = Date.now() - STALE_MS;
      await bucket.abortUploads(prefix, ({ begun }) => begun.getTime() < oldest);
    },
  };
}
