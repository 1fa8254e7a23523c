import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** An entry point of `src/` by name: compiled beside this folder, or its source when this runs from source. */
export function entryPoint(name: 'thread' | 'task-process'): { filename: string; execArgv: string[] } {
  const compiled = fileURLToPath(new URL(`../${name}.js`, import.meta.url));
  if (existsSync(compiled)) return { filename: compiled, execArgv: [] };
  return {
    filename: fileURLToPath(new URL(`../${name}.ts`, import.meta.url)),
    execArgv: ['--import', import.meta.resolve('tsx')],
  };
}
