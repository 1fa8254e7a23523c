/** Copies what is used as it is; the compiler takes sources only. */
import { cp } from 'node:fs/promises';

for (const path of ['src/dashboard/assets', 'workflows/encoded-failures.cjs']) {
  await cp(new URL(`../${path}`, import.meta.url), new URL(`../dist/${path}`, import.meta.url), { recursive: true });
}
