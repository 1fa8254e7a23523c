import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { ThreadContext } from '../../../src/processors/range/context.js';
import { PartWriter } from '../../../src/processors/range/part-writer.js';
import { keepSpare, takeSpare } from '../../../src/processors/range/spare-file.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-spare-'));
afterAll(() => rmSync(folder, { recursive: true }));

const scratch = path.join(folder, '1-1');
mkdirSync(scratch);
const context = { scratch } as ThreadContext;

function write(name: string, text: string): { file: string; inode: number } {
  const file = path.join(scratch, name);
  const writer = new PartWriter(file, undefined, takeSpare(context, file));
  writer.write(text);
  writer.close();
  expect(readFileSync(file, 'utf8')).toBe(text);
  return { file, inode: statSync(file).ino };
}

it('serves one slice after another, each whole and under a name of its own, and lies outside of the scratch folder', () => {
  const first = write('a', 'a long slice\n'.repeat(1000));
  keepSpare(context, first.file);
  expect(readdirSync(scratch)).toEqual([]);
  const second = write('b', 'short\n');
  expect(second.inode).toBe(first.inode);
  const third = write('c', 'while the other one is in use\n');
  expect(third.inode).not.toBe(first.inode);
  keepSpare(context, second.file);
  expect(readdirSync(folder).sort()).toEqual(['1-1', '1-1.spare']);
});
