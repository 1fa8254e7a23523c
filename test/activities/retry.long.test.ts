import { rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keys } from '../../src/core/receipt.js';
import { createWorkArea } from '../../src/stores/work-area.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { keptFiles } from '../helpers/kept-files.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine('retry-long');
});
afterAll(() => engine.stop());

describe('a retry of more than 500 activities', () => {
  it('asks each range and runs those that are left', async () => {
    const work = await createWorkArea(engine.config.work);
    // As if many workers were there: each chunk is then an activity of its own.
    const now = new Date().toISOString();
    const card = { id: 'many', host: 'h', pid: 1, taskQueue: engine.config.taskQueue, threads: 500, processors: [] };
    await work.replace(keys.worker('many'), JSON.stringify({ ...card, startedAt: now, renewedAt: now }));
    const fault = engine.at('fault');
    await writeFile(fault, '');
    const text = `n,bad\n${Array.from({ length: 620 }, (_, i) => `${1000 + i},${i !== 610 ? 'false' : 'true'}\n`).join('')}`;
    const uri = await engine.write('windows.csv', text);
    const process = { use: 'mendable', with: { fault, how: 'throw' } };
    const options = { chunk: { bytes: 11 }, retry: { attempts: 1 } };
    const spec = { source: { uri }, process, options };
    const { id } = await engine.fail(spec);
    const before = await keptFiles(engine, id, 'receipts');
    expect(before.length).toBeGreaterThan(500);
    await rm(fault);
    const result = await engine.retried(id);
    expect(result.counts).toEqual({ in: 620, used: 620, filtered: 0, rejected: 0, out: 620 });
    expect(await keptFiles(engine, id, 'receipts')).toEqual(expect.arrayContaining(before));
    await work.remove(keys.worker('many'));
    expect((await work.read(result.output.uri)).toString()).toBe(
      (await work.read((await engine.run(spec)).output.uri)).toString(),
    );
  }, 120_000);
});
