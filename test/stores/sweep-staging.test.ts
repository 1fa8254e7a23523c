import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createWorkArea } from '../../src/stores/work-area.js';

it('a work area sweeps what nobody has touched for a day, and nothing else', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-sweep-'));
  const work = await createWorkArea(folder);
  const [old, young] = [await work.scratchFile('old'), await work.scratchFile('young')];
  for (const file of [old, young]) await writeFile(file, '');
  const yesterday = Date.now() / 1000 - 25 * 3600;
  await utimes(old, yesterday, yesterday);
  await work.sweep();
  expect(await readdir(path.dirname(young))).toEqual([path.basename(young)]);
  await rm(folder, { recursive: true });
});
