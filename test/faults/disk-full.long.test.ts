import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

/** A file system of one megabyte; null where this user may not mount one. */
function smallDisk(): string | null {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'millrace-test', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
}

const disk = smallDisk();
afterAll(() => {
  if (disk === null) return;
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

const options = { chunk: { bytes: '300KiB' }, retry: { attempts: 2, first: '10ms' } };
const rows = `id,text\n${Array.from({ length: 60_000 }, (_, i) => `${i},${'x'.repeat(20)}\n`).join('')}`;

describe.skipIf(disk === null)('a full disk', () => {
  let engine: Engine;
  const start = async (name: string, changes: Parameters<typeof startEngine>[1]) => {
    engine = await startEngine(name, changes);
    return engine.write('rows.csv', rows);
  };

  describe('at the sink', () => {
    let uri: string;
    beforeAll(async () => (uri = await start('full-sink', { roots: [os.tmpdir()] })));
    afterAll(() => engine.stop());

    it.each(['out.ndjson', 'parts/'])(
      'fails the job by name and leaves no manifest and no staged bytes: %s',
      async (name) => {
        const sink = { uri: path.join(disk!, name), format: 'ndjson' };
        const { code, message } = await engine.fail({ source: { uri }, process: { use: 'pass' }, sink, options });
        expect([code, message]).toEqual(['sink.no_space', expect.stringMatching(/no space left.*ENOSPC/)]);
        expect(readdirSync(disk!)).toEqual([]);
      },
    );
  });

  describe('in the work area', () => {
    let uri: string;
    beforeAll(async () => (uri = await start('full-work', { work: path.join(disk!, 'work') })));
    afterAll(() => engine.stop());

    it.each([
      ['a processor', { use: 'pass' }],
      ['sql', { use: 'sql', with: { map: 'select * from chunk' } }],
    ])('fails the job by name, leaves only what a retry needs, and the worker goes on: %s', async (_, process) => {
      const sink = { uri: engine.at('out.ndjson') };
      const { code, id } = await engine.fail({ source: { uri }, process, sink, options });
      expect(code).toBe('sink.no_space');
      expect(existsSync(sink.uri)).toBe(false);
      await expect.poll(() => engine.staging()).toEqual([]);
      rmSync(path.join(engine.config.work, id), { recursive: true });
      const items = [{ n: 1 }];
      expect((await engine.run({ source: { items }, process: { use: 'pass' } })).rows).toEqual(items);
    });
  });
});
