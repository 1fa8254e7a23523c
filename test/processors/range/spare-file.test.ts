import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PartWriter } from '../../../src/processors/range/part-writer.js';
import { SpareFile } from '../../../src/processors/range/spare-file.js';

const MIB = 1024 * 1024;

let folder: string;
let spare: SpareFile;
const at = (name: string) => path.join(folder, name);
const fill = (name: string, bytes: number) => {
  writeFileSync(at(name), Buffer.alloc(bytes, 'x'));
  return at(name);
};

beforeEach(async () => {
  vi.useFakeTimers();
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-spare-'));
  spare = new SpareFile(at('spare'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

describe('the spare file of a thread', () => {
  it('is written over by the next slice, of which nothing is left of the one before', () => {
    spare.keep(fill('first', 3 * MIB));
    expect(existsSync(at('first'))).toBe(false);
    expect(spare.moveTo(at('second'))).toBe(true);
    const writer = new PartWriter(at('second'), { over: true });
    writer.write('a,b\n');
    writer.close();
    expect(readFileSync(at('second'), 'utf8')).toBe('a,b\n');
    expect(spare.moveTo(at('third'))).toBe(false);
  });

  it('is the last of those that were kept, and gone when nobody has wanted it for some seconds', () => {
    spare.keep(fill('first', 2 * MIB));
    vi.advanceTimersByTime(4_000);
    spare.keep(fill('second', 3 * MIB));
    vi.advanceTimersByTime(4_000);
    expect(statSync(at('spare')).size).toBe(3 * MIB);
    vi.advanceTimersByTime(1_000);
    expect(existsSync(at('spare'))).toBe(false);
    expect(spare.moveTo(at('third'))).toBe(false);
  });

  it('is none that is soon made anew, and none that is too large to hold on to', () => {
    for (const bytes of [10, 129 * MIB]) {
      spare.keep(fill('other', bytes));
      expect(existsSync(at('other'))).toBe(true);
      expect(spare.moveTo(at('next'))).toBe(false);
    }
  });
});
