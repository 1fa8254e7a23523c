import { copyFile, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSqlEngine } from '../../../src/processors/sql/sql-engine.js';
import type { SqlEngine } from '../../../src/processors/sql/sql-engine.js';

let folder: string;
let engine: SqlEngine;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-same-name-'));
  engine = await createSqlEngine({ scratch: folder, memoryBytes: 256 * 1024 * 1024 });
});
afterAll(async () => {
  engine.close();
  await rm(folder, { recursive: true });
});

it('a file is read as it is now, though one of its name, size and time was read before', async () => {
  const partial = path.join(folder, 'partial');
  const output = { path: path.join(folder, 'out'), format: 'ndjson' as const };
  const found = [];
  for (const from of [0, 1_000_000]) {
    await writeFile(path.join(folder, 'slice'), Array.from({ length: 50_000 }, (_, i) => `{"n":${from + i}}\n`).join(''));
    const piece = path.join(folder, `piece-${from}`);
    const map = await engine.openMap('select n from chunk', { path: piece, format: 'parquet' });
    await map.add({ kind: 'ndjson', path: path.join(folder, 'slice'), columns: [{ name: 'n', type: 'int' }] });
    await map.finish();
    await copyFile(piece, partial);
    await utimes(partial, 1_000, 1_000);
    await engine.reduce([partial], 'select min(n) n, max(n) m from partials where n >= 0', output);
    found.push(JSON.parse(await readFile(output.path, 'utf8')));
  }
  expect(found).toEqual([
    { n: 0, m: 49_999 },
    { n: 1_000_000, m: 1_049_999 },
  ]);
});
