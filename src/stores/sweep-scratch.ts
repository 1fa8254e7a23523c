import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/** Removes what threads of processes that are no more left in the scratch folder; theirs are named `<pid>-<thread>`. */
export async function sweepScratch(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const dead = names.filter((name) => /^\d+-\d+$/.test(name) && !isAlive(Number.parseInt(name, 10)));
  await Promise.all(dead.map((name) => rm(path.join(folder, name), { recursive: true, force: true })));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of somebody else refuses the signal, so it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
