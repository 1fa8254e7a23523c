import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Config } from '../../core/config.js';
import { bytes } from '../../core/figures.js';
import { messageOf } from '../../core/errors.js';
import { packageVersion } from '../package-root.js';
import { guarded, fail, isAtLeast, ok, warn, type Check } from './check.js';

const GIB = 1024 ** 3;
const NODE_WANTED = [20, 19] as const;
/** `f_type` of tmpfs and ramfs in `statfs(2)`. */
const MEMORY_FILE_SYSTEMS = new Set([0x01021994, 0x858458f6]);

export function checkNode(version = process.versions.node): Check {
  const wanted = NODE_WANTED.join('.');
  return isAtLeast(version, NODE_WANTED)
    ? ok('node', version)
    : fail('node', `${version}, wanted ${wanted} or later`, 'install a current Node.js');
}

/** Packages of one SDK speak to each other inside of a process: they have to be of one version. */
const SDK = ['client', 'worker', 'workflow', 'activity', 'common'].map((name) => `@temporalio/${name}`);

export function checkVersions(versionOf: (name: string) => string = installed): Check {
  const versions = SDK.map((name) => [name, versionOf(name)] as const);
  const [[, first]] = versions as [readonly [string, string]];
  const odd = versions.filter(([, version]) => version !== first);
  const detail = `millrace ${packageVersion()}, Temporal SDK ${first}`;
  if (odd.length === 0) return ok('versions', detail);
  const others = odd.map(([name, version]) => `${name} ${version}`).join(', ');
  return fail('versions', `${detail}, but ${others}`, 'install them anew: npm ci');
}

function installed(name: string): string {
  return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
}

/** The folders that sources are read from and sinks are written to. */
export function checkRoots(config: Config): Promise<Check[]> {
  return Promise.all(config.roots.map(checkRoot));
}

async function checkRoot(root: string): Promise<Check> {
  const name = 'root';
  try {
    if (!(await stat(root)).isDirectory()) return fail(name, `"${root}" is no folder`, 'set MILLRACE_ROOTS to folders');
    await access(root, constants.R_OK | constants.X_OK);
  } catch (error) {
    const mend =
      'make it, let this user read it, or set MILLRACE_ROOTS to the folders that sources and sinks lie under';
    return fail(name, `"${root}" cannot be read: ${messageOf(error)}`, mend);
  }
  const writes = await access(root, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!writes)
    return warn(
      name,
      `${root}, readable and not writable`,
      'sinks below it fail: let this user write, or put sinks elsewhere',
    );
  const { bavail, bsize } = await statfs(root);
  const detail = `${root}, readable and writable, ${bytes(bavail * bsize)} free`;
  return bavail * bsize < GIB ? warn(name, detail, 'free space there before a job writes much') : ok(name, detail);
}

export async function checkWorkArea(config: Config): Promise<Check> {
  if (/^s3:/i.test(config.work)) return (await import('./s3-checks.js')).checkS3WorkArea(config);
  return guarded('work area', 'make the folder writable, or set MILLRACE_WORK to one that is', async () => {
    const free = await writable(config.work);
    return free < GIB
      ? warn(
          'work area',
          `${config.work}, ${bytes(free)} free`,
          'free space there, or set MILLRACE_WORK to a larger disk',
        )
      : ok('work area', `${config.work}, writable, ${bytes(free)} free`);
  });
}

export function checkScratch(config: Config): Promise<Check> {
  return guarded('scratch', 'make the folder writable, or set MILLRACE_SCRATCH to one that is', async () => {
    const free = await writable(config.scratch);
    const inMemory = MEMORY_FILE_SYSTEMS.has((await statfs(config.scratch)).type);
    const detail = `${config.scratch}, ${inMemory ? 'in memory' : 'on disk'}, ${bytes(free)} free`;
    if (free < GIB)
      return warn('scratch', detail, 'give it 1 GiB (in a container: a larger /dev/shm), or set MILLRACE_SCRATCH');
    return ok('scratch', detail);
  });
}

/** Proves that files can be written; answers the bytes that are free. */
async function writable(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const probe = join(folder, `.doctor-${randomUUID()}`);
  await writeFile(probe, 'ok', { flag: 'wx' });
  await rm(probe);
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

export function checkProcessors(config: Config): Promise<Check> {
  return guarded('processors', 'mend the file that is named; its text is run as it stands', async () => {
    const { createThreadPool } = await import('../../processors/pool.js');
    const pool = createThreadPool({ ...config, threads: 1 });
    try {
      const found = await pool.run('describe', null);
      return ok('processors', found.map((processor) => processor.name).join(', '));
    } finally {
      await pool.close();
    }
  });
}
