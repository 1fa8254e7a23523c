import { stat } from 'node:fs/promises';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActivities } from '../../activities/index.js';
import type { Activities, RangeResult } from '../../src/contract.js';
import type { PlanSummary, RangeInput } from '../../src/core/plan.js';
import { keys } from '../../src/core/receipt.js';
import { createThreadPool } from '../../src/processors/pool.js';
import type { ThreadPool } from '../../src/processors/pool.js';
import { createFileStore } from '../../src/stores/file-store.js';
import { createWorkArea } from '../../src/stores/work-area.js';
import { makePlace } from '../helpers/engine.js';
import type { Place } from '../helpers/engine.js';
import { noNotices } from '../helpers/no-notices.js';

let place: Place;
let pool: ThreadPool;
let activities: Activities;
let plan: PlanSummary;
const JOB = 'twice';

beforeAll(async () => {
  place = await makePlace('twice');
  pool = createThreadPool(place.config);
  activities = createActivities({
    ...noNotices,
    files: createFileStore({ roots: place.config.roots, cwd: place.data }),
    work: await createWorkArea(place.config.work),
    pool,
    threads: () => Promise.resolve(2),
  });
  const uri = await place.write('rows.csv', `id\n${Array.from({ length: 3000 }, (_, id) => `${id}\n`).join('')}`);
  const spec = { source: { uri }, process: { use: 'pass' }, options: { chunk: { bytes: 5000 } } };
  plan = await run<Parameters<Activities['inspect']>[0], PlanSummary>(activities.inspect, { job: JOB, spec });
});
afterAll(async () => {
  await pool.close();
  await place.remove();
});

function run<In, Out>(activity: (input: In) => Promise<Out>, input: In): Promise<Out> {
  return new MockActivityEnvironment().run<[In], Out, typeof activity>(activity, input);
}

const range: RangeInput = { job: JOB, from: 0, to: 1, generation: 0 };

/** Receipts and parts with what any write to them would change. */
async function published(): Promise<Record<string, readonly [inode: number, changedMs: number]>> {
  const names = (await place.workOf(JOB)).filter((name) => /^(receipts|parts)\//.test(name));
  const marks = names.map(async (name) => {
    const { ino, mtimeMs } = await stat(path.join(place.config.work, JOB, name));
    return [name, [ino, mtimeMs]] as const;
  });
  return Object.fromEntries(await Promise.all(marks));
}

describe('an attempt whose completion was never heard of', () => {
  it('is answered by the next one from its receipt, which computes nothing', async () => {
    expect(plan.chunkCount).toBeGreaterThan(1);
    const first = await run(activities.processChunks, range);
    const before = await published();
    expect(Object.keys(before)).toHaveLength(2);
    const noPool: ThreadPool = { ...pool, run: () => Promise.reject(new Error('it was computed again')) };
    const again = createActivities({
      ...noNotices,
      files: createFileStore({ roots: [], cwd: '/' }),
      work: await createWorkArea(place.config.work),
      pool: noPool,
      threads: () => Promise.resolve(2),
    });
    expect(await run(again.processChunks, range)).toEqual(first);
    expect(await published()).toEqual(before);
  });
});

describe('two attempts at once', () => {
  it('publish one receipt and one part, and say the same', async () => {
    const second = { ...range, from: 1, to: 2 };
    const results = await Promise.all(
      [1, 2, 3].map(() => run<RangeInput, RangeResult>(activities.processChunks, second)),
    );
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    const names = Object.keys(await published());
    expect(names.filter((name) => name.startsWith('parts/0000000001'))).toHaveLength(1);
    expect(
      names.filter((name) => name.startsWith(keys.receipt('', { from: 1, to: 2, generation: 0 }).slice(1))),
    ).toHaveLength(1);
    expect(await place.staging()).toEqual([]);
  });
});
