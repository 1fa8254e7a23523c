import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { StagedFile, StagedFolder } from './port.js';

const FLUSH_BYTES = 32 * 1024 * 1024;

/** Stages beside the target, so that publishing never crosses a file system. See `SinkStore`. */
export async function stageFile(target: string, owner: string): Promise<StagedFile> {
  await mkdir(path.dirname(target), { recursive: true });
  return stagedFile(hiddenSibling(target, owner), target);
}

export async function stageFolder(target: string, owner: string): Promise<StagedFolder> {
  const folder = path.resolve(target);
  const staged = hiddenSibling(folder, owner);
  await mkdir(staged, { recursive: true });
  const folders = new Set([staged]);
  const file = async (name: string) => {
    const target = path.join(staged, name);
    const within = path.dirname(target);
    if (!folders.has(within)) {
      await mkdir(within, { recursive: true });
      for (let one = within; one !== staged; one = path.dirname(one)) folders.add(one);
    }
    const { finish, ...opened } = await openStaged(target);
    // Nobody sees it before the folder, which is made durable as a whole.
    return { ...opened, publish: (_ifExists) => finish().then(() => true) } satisfies StagedFile;
  };
  return {
    uriOf: (name) => path.join(folder, name),
    file,

    async publish(manifest, ifExists) {
      const beside = await file('manifest.json');
      await beside.append(Buffer.from(manifest));
      await beside.publish('error');
      await Promise.all([...folders].map(syncFolder));
      const old = `${staged}.old`;
      if (ifExists === 'replace') await rename(folder, old).catch(ignore('ENOENT'));
      try {
        // Renaming over an empty folder succeeds, over any other it fails: the first publisher wins.
        await rename(staged, folder);
      } catch (error) {
        // What stood there stays, where the staged one was swept meanwhile.
        await rename(old, folder).catch(() => undefined);
        if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
        await rm(staged, { recursive: true, force: true });
        return false;
      }
      await syncFolder(path.dirname(folder));
      await rm(old, { recursive: true, force: true });
      return true;
    },

    discard: () => rm(staged, { recursive: true, force: true }),
  };
}

/** A file that is written at `staged` and becomes `target`; both on one file system. */
export async function stagedFile(staged: string, target: string): Promise<StagedFile> {
  const { finish, ...opened } = await openStaged(staged);
  return {
    ...opened,
    async publish(ifExists) {
      await finish();
      if (ifExists === 'replace') {
        await rename(staged, target);
      } else {
        const taken = await link(staged, target).then(() => false, isTaken);
        await unlink(staged);
        if (taken) return false;
      }
      await syncFolder(path.dirname(target));
      return true;
    },
  };
}

/** @property finish makes its bytes durable, and closes it */
async function openStaged(staged: string): Promise<Omit<StagedFile, 'publish'> & { finish(): Promise<void> }> {
  let handle = await open(staged, 'w');
  let unwritten = 0;
  let flushing = Promise.resolve();
  return {
    async append(bytes) {
      await writeAll(handle, bytes);
      unwritten += bytes.byteLength;
      if (unwritten < FLUSH_BYTES) return;
      // The disk works while the next bytes are read; otherwise all of it is waited for at the end.
      unwritten = 0;
      await flushing;
      flushing = handle.datasync();
      flushing.catch(() => undefined);
    },

    async adopt(localPath) {
      await handle.close();
      await unlink(staged);
      await link(localPath, staged).catch(() => copyFile(localPath, staged));
      handle = await open(staged, 'r+');
    },

    async finish() {
      await flushing;
      await handle.sync();
      await handle.close();
    },

    async discard() {
      await flushing.catch(() => undefined);
      await handle.close().catch(() => undefined);
      await rm(staged, { force: true });
    },
  };
}

/** In one call as a rule; `writeFile` would make one of each half megabyte. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done);
    done += bytesWritten;
  }
}

/** Removes what interrupted publishers left. */
export async function sweep(target: string, owner: string): Promise<void> {
  const { folder, prefix } = hidden(path.resolve(target), owner);
  const names = await readdir(folder).catch(() => []);
  const staged = names.filter((name) => name.startsWith(prefix));
  await Promise.all(staged.map((name) => rm(path.join(folder, name), { recursive: true, force: true })));
}

export async function digest(target: string): Promise<{ bytes: number; sha256: string } | null> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const block of createReadStream(target) as AsyncIterable<Buffer>) {
      hash.update(block);
      bytes += block.length;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Each attempt has a name of its own: two that shared one would write into what the other publishes. */
function hiddenSibling(target: string, owner: string): string {
  const { folder, prefix } = hidden(target, owner);
  return path.join(folder, `${prefix}${randomUUID()}.tmp`);
}

function hidden(target: string, owner: string): { folder: string; prefix: string } {
  return { folder: path.dirname(target), prefix: `.${path.basename(target)}.${owner}.` };
}

function isTaken(error: NodeJS.ErrnoException): true {
  if (error.code === 'EEXIST') return true;
  throw error;
}

function ignore(code: string) {
  return (error: NodeJS.ErrnoException) => {
    if (error.code !== code) throw error;
  };
}

/** Makes the names in a folder durable. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
