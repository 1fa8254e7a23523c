import { constants } from 'node:fs';
import { readdir, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { glob, isDynamicPattern } from 'tinyglobby';
import { MillraceError } from '../core/errors.js';
import { digest, stageFile, stageFolder, sweep } from './local-sink.js';
import { openFile } from './local-file.js';
import { samePin } from '../core/plan.js';
import type { FilePin } from '../core/plan.js';
import type { FoundObject, SinkStore, SourceStore } from './port.js';

/**
 * Local files under the configured roots, as sources and sinks.
 * @param options.roots absolute folders; nothing outside of them is read or written
 * @param options.cwd what relative paths are relative to
 */
export function createFileStore(options: { roots: string[]; cwd: string }): SourceStore & SinkStore {
  const { cwd } = options;
  let realRoots: Promise<string[]> | undefined;
  const roots = () => (realRoots ??= Promise.all(options.roots.map((root) => realpath(root).catch(() => root))));

  async function insideRoots(target: string, asked: string): Promise<string> {
    const real = await realpathOfExisting(target);
    const allowed = (await roots()).some((root) => real === root || real.startsWith(withSlash(root)));
    if (!allowed) {
      throw new MillraceError(
        'path.outside_root',
        `path ${quote(asked)} lies outside the folders this service may use; move it there or add its folder to MILLRACE_ROOTS`,
      );
    }
    return real;
  }

  async function pinned(real: string, asked: string): Promise<FilePin> {
    const found = await stat(real).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw notFound(asked);
      throw new MillraceError('source.unreadable', `cannot look at ${quote(asked)}: ${error.message}`, {
        cause: error,
      });
    });
    if (!found.isFile()) {
      throw new MillraceError(
        'source.not_a_file',
        `source ${quote(asked)} is ${found.isDirectory() ? 'a folder; name its files, for example with a glob such as "folder/*.csv"' : 'no regular file'}`,
      );
    }
    return { size: found.size, mtimeMs: found.mtimeMs, inode: found.ino };
  }

  async function findOne(target: string, asked: string): Promise<FoundObject> {
    const real = await insideRoots(target, asked);
    return { uri: real, label: labelOf(target, cwd), pin: await pinned(real, asked) };
  }

  return {
    async find(uri) {
      const target = toPath(uri, cwd);
      if (!isDynamicPattern(uri) || (await exists(target))) return [await findOne(target, uri)];
      const base = await insideRoots(globBase(target), uri);
      const pattern = target.slice(withSlash(globBase(target)).length);
      const matches = await glob(pattern, { cwd: base, absolute: true, onlyFiles: true, expandDirectories: false });
      if (matches.length === 0) throw notFound(uri);
      return Promise.all(matches.sort(byCodeUnits).map((match) => findOne(path.normalize(match), uri)));
    },

    async open(uri, pin) {
      // The path is resolved again: a link may have been swapped since the plan was made.
      const real = await insideRoots(uri, uri);
      const bytes = await openFile(real, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') throw notFound(uri);
          throw new MillraceError('source.unreadable', `cannot open ${quote(uri)}: ${error.message}`, {
            cause: error,
            retryable: error.code === 'EMFILE' || error.code === 'EIO',
          });
        },
      );
      if (pin && !samePin(pin, bytes.pin)) {
        await bytes.close();
        throw new MillraceError(
          'source.changed',
          `source ${quote(uri)} changed since the job was planned: planned ${describePin(pin as FilePin)}, found ${describePin(bytes.pin)}; start the job again`,
        );
      }
      return bytes;
    },

    async localPath(uri) {
      return insideRoots(uri, uri);
    },

    async resolve(uri, ifExists) {
      const target = toPath(uri, cwd);
      const real = await insideRoots(target, uri);
      const manifest = uri.endsWith('/') ? path.join(real, 'manifest.json') : `${real}.manifest.json`;
      const taken =
        (await exists(real)) && (!uri.endsWith('/') || (await exists(manifest)) || !(await isEmptyFolder(real)));
      if (taken && ifExists === 'error') {
        throw new MillraceError(
          'sink.exists',
          `sink ${quote(uri)} exists already; choose another name or set sink.ifExists: replace`,
        );
      }
      return uri.endsWith('/') ? withSlash(real) : real;
    },

    stageFile,
    stageFolder,
    digest,
    sweep,
    names: async (folder) => {
      const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      const files = found.filter((entry) => !entry.isDirectory());
      return files.map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name))).sort();
    },
    remove: (target) => rm(target, { force: true }),
  };
}

function toPath(uri: string, cwd: string): string {
  if (uri.includes('\0')) throw new MillraceError('path.outside_root', `path ${quote(uri)} holds a NUL byte`);
  if (/^file:/i.test(uri)) {
    try {
      return fileURLToPath(new URL(uri, `file://${withSlash(cwd)}`));
    } catch (error) {
      throw new MillraceError('source.scheme', `"${uri}" is no usable file URL: ${(error as Error).message}`);
    }
  }
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(uri);
  if (scheme) {
    throw new MillraceError(
      'source.scheme',
      `"${scheme[1]}:" in ${quote(uri)} is not supported; wanted a path, a glob, or a file:, http:, https: or s3: URL`,
    );
  }
  return path.resolve(cwd, uri);
}

/** The path with every link resolved, as far as it exists; what does not exist yet is appended as written. */
async function realpathOfExisting(target: string): Promise<string> {
  const rest: string[] = [];
  let current = path.normalize(target);
  for (;;) {
    try {
      return path.join(await realpath(current), ...rest);
    } catch (error) {
      const parent = path.dirname(current);
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === current) return path.join(current, ...rest);
      rest.unshift(path.basename(current));
      current = parent;
    }
  }
}

/** The folder above the first part of a path that holds a glob. */
function globBase(target: string): string {
  const parts = target.split(path.sep);
  const firstDynamic = parts.findIndex((part) => isDynamicPattern(part));
  return parts.slice(0, firstDynamic).join(path.sep) || path.sep;
}

async function exists(target: string): Promise<boolean> {
  return stat(target).then(
    () => true,
    () => false,
  );
}

async function isEmptyFolder(target: string): Promise<boolean> {
  return (await readdir(target).catch(() => ['?'])).length === 0;
}

function describePin(pin: FilePin): string {
  return `${pin.size} bytes of ${new Date(pin.mtimeMs).toISOString()} (inode ${pin.inode})`;
}

function notFound(asked: string): MillraceError {
  return new MillraceError('source.not_found', `source ${quote(asked)} not found: no such file`);
}

function labelOf(target: string, cwd: string): string {
  const relative = path.relative(cwd, target);
  return relative.startsWith('..') ? target : relative;
}

function withSlash(folder: string): string {
  return folder.endsWith(path.sep) ? folder : folder + path.sep;
}

/** Not by locale: the order of the files is the order of the output. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
