import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadRegistry } from '../../src/processors/registry.js';
import type { RecordProcessor } from '../../src/processors/define.js';

const fixtures = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

describe('the registry', () => {
  it('has the processors of a folder, TypeScript as it is, and no file that holds none', async () => {
    const names = (await loadRegistry([fixtures('processors')])).list().map(({ name }) => name);
    expect(names).toContain('sql');
    expect(names).toContain('sum-by-key');
    expect(new Set(names).size).toBe(names.length);
  });

  it('has those of a folder whose package says commonjs, or nothing, and what they require', async () => {
    const registry = await loadRegistry([fixtures('commonjs-processors')]);
    expect(registry.list().map(({ name }) => name)).toEqual(['sql', 'double']);
    const { record } = registry.get('double') as RecordProcessor<unknown>;
    expect(record({ n: 21 }, {} as never)).toEqual({ n: 42 });
  });

  it('says what to install where a file needs a package that is not there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-registry-'));
    await writeFile(join(folder, 'lost.ts'), "import { x } from '@scope/nowhere/part';\nexport default x;\n");
    await expect(loadRegistry([folder])).rejects.toMatchObject({
      code: 'processor.load_failed',
      message: expect.stringMatching(
        /^processor file lost\.ts [^\n]*; install it where the file lies: npm install @scope\/nowhere$/,
      ),
    });
    await rm(folder, { recursive: true });
  });

  it('takes no name twice', async () => {
    const folder = fixtures('commonjs-processors');
    await expect(loadRegistry([folder, folder])).rejects.toMatchObject({ code: 'processor.duplicate' });
  });
});
