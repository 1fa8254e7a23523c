import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * In tests, also in the place of `src/processors/entry-point.ts`: what the build made of an entry point, where that is newer than
 * all sources, as it is in `npm test`. A thread or a process that loads sources costs a second more of a core.
 */
export function entryPoint(name: 'thread' | 'task-process' | 'worker'): { filename: string; execArgv: string[] } {
  if (isBuilt) return { filename: path.join(ROOT, `dist/src/${name}.js`), execArgv: [] };
  return { filename: path.join(ROOT, `src/${name}.ts`), execArgv: ['--import', import.meta.resolve('tsx')] };
}

const isBuilt = newest(path.join(ROOT, 'src')) <= builtAt();

function builtAt(): number {
  return statSync(path.join(ROOT, 'dist/workflow-bundle.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newest(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .reduce((latest, name) => Math.max(latest, statSync(path.join(folder, name)).mtimeMs), 0);
}
