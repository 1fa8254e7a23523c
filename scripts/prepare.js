/** After `npm ci` in a clone: builds, so that `npx millrace` works at once. An installation of the package is built already. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

if (existsSync(new URL('../node_modules/typescript/package.json', import.meta.url))) {
  const { status } = spawnSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit', shell: true });
  process.exitCode = status ?? 1;
} else {
  console.log('prepare: nothing built, as there are no development dependencies here');
}
