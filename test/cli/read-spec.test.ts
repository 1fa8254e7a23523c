import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSpec } from '../../src/cli/read-spec.js';
import { testIo } from './support/test-io.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-spec-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string, name = 'spec.yaml'): Promise<unknown> {
  await writeFile(join(folder, name), text);
  return readSpec(name, testIo({ cwd: folder }));
}

describe('readSpec', () => {
  it('reads YAML and JSON alike, whatever the file is called', async () => {
    const spec = { source: { uri: ['a.csv'] }, process: { use: 'sql' } };
    expect(await read('source: { uri: [a.csv] }\nprocess:\n  use: sql\n')).toEqual(spec);
    expect(await read(JSON.stringify(spec, null, '\t'), 'spec.json')).toEqual(spec);
    expect(await read(JSON.stringify(spec))).toEqual(spec);
  });

  it.each([
    ['a: [1, 2', 'spec.unreadable', /"spec.yaml" as YAML or JSON: .* at line \d+, column \d+$/],
    ['{"a": 1,, "b": 2}', 'spec.unreadable', /at line 1, column \d+$/],
    ['a: 1\na: 2\n', 'spec.unreadable', /Map keys must be unique at line 2/],
    ['', 'spec.not_an_object', /found nothing$/],
    ['- a\n- b\n', 'spec.not_an_object', /found a list$/],
    ['just text', 'spec.not_an_object', /found a string$/],
  ])('refuses %j with %s', async (text, code, message) => {
    await expect(read(text)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it('names a file that is not there, and a folder', async () => {
    const io = testIo({ cwd: folder });
    const missing = { code: 'usage.spec_file', message: 'Cannot read the spec "none.yaml": no such file' };
    await expect(readSpec('none.yaml', io)).rejects.toMatchObject(missing);
    await expect(readSpec('.', io)).rejects.toMatchObject({ message: 'Cannot read the spec ".": it is a folder' });
  });
});
