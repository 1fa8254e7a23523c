import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ended } from '../../src/core/job.js';
import { keys } from '../../src/core/receipt.js';
import type { WorkArea } from '../../src/stores/port.js';
import { sweepEnded } from '../../src/stores/sweep-ended.js';
import { createWorkArea } from '../../src/stores/work-area.js';

let folder: string;
let work: WorkArea;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-swept-'));
  work = await createWorkArea(folder);
});
afterEach(async () => {
  asked.length = 0;
  await rm(folder, { recursive: true });
});

/** Those that the sweep asked about. */
const asked: string[] = [];
const unmarked = (id: string) => {
  asked.push(id);
  return id === 'fault' ? Promise.reject(new Error('no server')) : Promise.resolve();
};

const SECOND = 1000;
const GRACE = 600 * SECOND;

/** A job that ended at time 0, with one file of each kind. */
async function job(id: string, keep: { work: number; result: number } | null): Promise<void> {
  for (const key of [
    keys.plan(id),
    keys.items(id),
    keys.receipt(id, { from: 0, to: 1, generation: 0 }),
    keys.manifest(id),
    keys.rejects(id),
  ]) {
    await work.publish(key, '{}');
  }
  if (!keep) return;
  const time = (ms: number) => new Date(ms).toISOString();
  const keepUntil = { work: time(keep.work), result: time(keep.result) };
  const ended: Ended = { state: 'failed', endedAt: time(0), keepUntil };
  await work.replace(keys.ended(id), JSON.stringify(ended));
}

const left = async (id: string) => (await work.list(keys.job(id))).map((key) => key.slice(keys.job(id).length));
const ALL = ['ended.json', 'items.ndjson', 'output', 'plan.json', 'receipts'];

describe('what ended jobs left', () => {
  it('goes when its time is over, and not before', async () => {
    await job('j', { work: 10 * SECOND, result: 10 * SECOND });
    await sweepEnded(work, unmarked, 10 * SECOND);
    expect(await left('j')).toEqual(ALL);
    await sweepEnded(work, unmarked, 10 * SECOND + GRACE);
    expect(existsSync(path.join(folder, 'j'))).toBe(false);
  });

  it('goes by its kind: what a retry needs, and the result', async () => {
    await job('work-first', { work: SECOND, result: 100 * GRACE });
    await job('result-first', { work: 100 * GRACE, result: SECOND });
    await sweepEnded(work, unmarked, 2 * GRACE);
    expect(await left('work-first')).toEqual(['ended.json', 'output']);
    expect(await left('result-first')).toEqual(ALL.filter((name) => name !== 'output'));
    await sweepEnded(work, unmarked, 200 * GRACE);
    expect([await left('work-first'), await left('result-first')]).toEqual([[], []]);
  });

  it('stays where the job runs, and where the folder is of something else', async () => {
    await job('runs', null);
    await work.replace(keys.worker('w'), '{}');
    await work.publish('odd/ended.json', 'not JSON');
    await sweepEnded(work, unmarked, Number.MAX_SAFE_INTEGER);
    expect(await left('runs')).toEqual(ALL.filter((name) => name !== 'ended.json'));
    expect(await work.list(keys.workers())).toHaveLength(1);
    expect(await work.list('odd/')).toHaveLength(1);
  });

  it('whose end nobody wrote down is asked about, where there is a plan; a fault keeps no other from being swept', async () => {
    await job('fault', null);
    await job('runs', null);
    await job('over', { work: 0, result: 0 });
    await work.publish(keys.items('not-started'), '{}');
    await expect(sweepEnded(work, unmarked, GRACE)).rejects.toThrow('no server');
    expect(asked.sort()).toEqual(['fault', 'runs']);
    expect(await left('over')).toEqual([]);
  });

  it('is swept by several workers at once', async () => {
    for (let i = 0; i < 40; i++) await job(`j${i}`, { work: 0, result: 0 });
    await Promise.all(Array.from({ length: 16 }, () => sweepEnded(work, unmarked, GRACE)));
    expect(await left('j0')).toEqual([]);
  });
});
