import { randomUUID } from 'node:crypto';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../core/config.js';
import { bytes } from '../../core/figures.js';
import { guarded, fail, ok, warn, type Check } from './check.js';

const GIB = 1024 ** 3;
const NODE_WANTED = [20, 19] as const;
/** `f_type` of tmpfs and ramfs in `statfs(2)`. */
const MEMORY_FILE_SYSTEMS = new Set([0x01021994, 0x858458f6]);

export function checkNode(version = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > NODE_WANTED[0] || (major === NODE_WANTED[0] && minor >= NODE_WANTED[1]);
  const wanted = NODE_WANTED.join('.');
  return enough
    ? ok('node', version)
    : fail('node', `${version}, wanted ${wanted} or later`, 'install a current Node.js');
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
