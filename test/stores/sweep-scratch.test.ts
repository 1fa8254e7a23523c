import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { sweepScratch } from '../../src/stores/sweep-scratch.js';

it('removes the folders of dead processes and nothing else', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-scratch-'));
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  for (const name of [`${dead}-1`, `${process.pid}-1`, 'other']) mkdirSync(path.join(folder, name));
  await sweepScratch(folder);
  expect(readdirSync(folder).sort()).toEqual([`${process.pid}-1`, 'other'].sort());
  rmSync(folder, { recursive: true });
});
