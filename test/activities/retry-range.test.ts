import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rangeTask } from '../../activities/retry-range.js';
import { keys } from '../../src/core/receipt.js';
import type { Receipt } from '../../src/core/receipt.js';
import { NO_COUNTS } from '../../src/core/records.js';
import { createWorkArea } from '../../src/stores/work-area.js';
import type { WorkArea } from '../../src/stores/port.js';

let folder: string;
let work: WorkArea;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-retry-range-'));
  work = await createWorkArea(folder);
});
afterAll(() => rm(folder, { recursive: true }));

let jobs = 0;
const retry = { run: 1 };

/** What a retry has to do for the chunks 0 to 8 of a job that left such receipts. */
async function taskAfter(receipts: Array<Partial<Receipt> & Pick<Receipt, 'from' | 'to'>>) {
  const job = `j-${jobs++}`;
  for (const changes of receipts) {
    const counts = { ...NO_COUNTS, in: 2, rejected: 1 };
    const rejects = { key: 'rejects', records: 1 };
    const fixed = { version: 1 as const, generation: 0, attempt: 1, bytes: 0, guessed: false, spans: [] };
    const receipt: Receipt = { ...fixed, counts, rejects, ...changes };
    await work.publish(keys.receipt(job, receipt), JSON.stringify(receipt));
  }
  return rangeTask(work, { job, from: 0, to: 8, generation: 0, patienceMs: 100, retry });
}

describe('what a retry has to do for a range', () => {
  it('is each half by itself where a former run halved it, also where an attempt at the whole was published late', async () => {
    expect(await taskAfter([{ from: 0, to: 4 }])).toBe('halved');
    expect(
      await taskAfter([
        { from: 0, to: 8 },
        { from: 0, to: 4 },
      ]),
    ).toBe('halved');
    expect(
      await taskAfter([
        { from: 0, to: 3, asked: 8 },
        { from: 0, to: 2 },
      ]),
    ).toBe('halved');
  });

  it('is what its receipt covers where its time was up, and not a chunk less or more', async () => {
    const task = await taskAfter([{ from: 0, to: 3, asked: 8 }]);
    expect(task).toMatchObject({ task: { from: 0, to: 3, asked: 8, generation: 1, mend: { to: 3 } } });
    expect(task).toHaveProperty('task.patienceMs', undefined);
  });

  it('is nothing where all is well, and as much as time allows where nothing is there', async () => {
    const done = await taskAfter([{ from: 0, to: 3, asked: 8, counts: NO_COUNTS }]);
    expect(done).toMatchObject({ done: { to: 3, asked: 8 } });
    expect(await taskAfter([])).toMatchObject({ task: { from: 0, to: 8, generation: 0, patienceMs: 100 } });
  });
});
