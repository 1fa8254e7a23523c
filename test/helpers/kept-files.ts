import { statSync } from 'node:fs';
import path from 'node:path';
import type { Place } from './engine.js';

/** The files of a job in a folder of its work area, each with the time at which it was written. */
export async function keptFiles(
  { workOf, config }: Place,
  id: string,
  folder: string,
): Promise<Array<{ name: string; mtimeMs: number }>> {
  const names = (await workOf(id)).filter((name) => name.startsWith(`${folder}/`));
  return names.map((name) => ({ name, mtimeMs: statSync(path.join(config.work, id, name)).mtimeMs }));
}
