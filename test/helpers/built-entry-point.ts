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

/** What the build bundled of the workflows; null where a source is newer. */
export const builtWorkflowBundle = (): string | null => (isBuilt ? path.join(ROOT, 'dist/workflow-bundle.js') : null);

/** The last file that the build writes. */
const LAST = path.join(ROOT, 'dist/workflow-bundle.encrypted.js');
const isBuilt = ['src', 'workflows', 'activities'].every((room) => newest(path.join(ROOT, room)) <= builtAt());

function builtAt(): number {
  return statSync(LAST, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newest(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(tsx?|cjs)$/.test(name))
    .reduce((latest, name) => Math.max(latest, statSync(path.join(folder, name)).mtimeMs), 0);
}
