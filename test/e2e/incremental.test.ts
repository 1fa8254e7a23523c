import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rm, utimes } from 'node:fs/promises';
import { parseSchedule } from '../../src/schema/schedule.js';
import { parseSpec, specDigest } from '../../src/schema/spec.js';
import { createSchedules } from '../../src/temporal/schedules.js';
import type { Schedules } from '../../src/temporal/schedules.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine, Finished } from '../helpers/engine.js';

let engine: Engine;
let schedules: Schedules;
beforeAll(async () => {
  engine = await startEngine('incremental');
  const { client, config } = engine;
  schedules = createSchedules({ client, taskQueue: config.taskQueue, namespace: config.temporal.namespace! });
}, 60_000);
afterAll(() => engine.stop());

let made = 0;
/** A schedule over the CSV files of a folder of its own, that never fires by itself. */
async function schedule(use: object = { use: 'pass' }, options: object = {}): Promise<{ id: string; folder: string }> {
  const id = `inc-${process.pid}-${made++}`;
  const spec = { source: { uri: engine.at(`${id}/*.csv`), incremental: true }, process: use, options };
  const canonical = parseSpec(spec);
  const parsed = parseSchedule({ id, spec, when: { cron: '0 0 1 1 *' } });
  await schedules.create({ ...parsed, spec: canonical, digest: specDigest(canonical) });
  return { id, folder: id };
}
const trigger = async (id: string) => (await schedules.trigger(id, 'allowAll'))!;
const run = async (id: string): Promise<Finished> => engine.finish(await trigger(id));
const numbers = ({ rows }: Finished) => rows!.map(({ n }) => n).sort();
const file = (folder: string, n: number, text = `n\n${n}\n`) => engine.write(`${folder}/${n}.csv`, text);

describe('an incremental source', () => {
  it('gives each file to one run; late files with old times too, and what was written anew', async () => {
    const { id, folder } = await schedule();
    await file(folder, 1);
    await file(folder, 2);
    expect(numbers(await run(id))).toEqual([1, 2]);
    const nothing = await run(id);
    expect(nothing).toMatchObject({ state: 'completed', chunks: 0, rows: [], counts: { in: 0 } });
    const late = await file(folder, 3);
    await utimes(late, new Date(0), new Date(0));
    expect(numbers(await run(id))).toEqual([3]);
    await file(folder, 1, 'n\n10\n');
    expect(numbers(await run(id))).toEqual([10]);
    expect((await run(id)).chunks).toBe(0);
  });

  it('has nothing new where no file is there yet', async () => {
    const { id } = await schedule();
    expect(await run(id)).toMatchObject({ state: 'completed', rows: [], manifestFile: { sources: [], parts: [] } });
  });

  it('gives the files of a run that failed to the next', async () => {
    const { id, folder } = await schedule();
    await file(folder, 1, 'n\n"open\n');
    const failed = await trigger(id);
    await expect(engine.finish(failed)).rejects.toThrow();
    await file(folder, 1);
    await file(folder, 2);
    expect(numbers(await run(id))).toEqual([1, 2]);
  });

  it('gives each file to one of many runs at once', async () => {
    const { id, folder } = await schedule({ use: 'slow', with: { ms: 50 } });
    for (let n = 0; n < 12; n++) await file(folder, n);
    // Runs are named by the second.
    const handles = await Promise.all(
      Array.from({ length: 4 }, (_, n) =>
        engine.client.workflow.start('processDataset', {
          workflowId: `${id}-run-${n}`,
          taskQueue: engine.config.taskQueue,
          args: [
            {
              source: { uri: engine.at(`${folder}/*.csv`), incremental: true },
              process: { use: 'slow', with: { ms: 50 } },
            },
          ],
          memo: { schedule: { id, timezone: 'UTC' }, scheduledTime: '2026-01-01T00:00:00Z' },
        }),
      ),
    );
    const runs = await Promise.all(handles.map(({ workflowId }) => engine.finish(workflowId)));
    expect(runs.flatMap(numbers).sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 12 }, (_, n) => n),
    );
  });

  it('gives what a run had that was ended from outside to the next', async () => {
    const { id, folder } = await schedule({ use: 'slow', with: { ms: 3000 } });
    await file(folder, 1);
    const job = await trigger(id);
    const handle = engine.client.workflow.getHandle(job);
    await expect
      .poll(async () => (await handle.describe()).raw.pendingActivities?.length ?? 0, { timeout: 10_000 })
      .toBe(1);
    await handle.terminate('a test');
    expect(numbers(await run(id))).toEqual([1]);
  });

  it('belongs to a schedule', async () => {
    const spec = { source: { uri: engine.at('x/*.csv'), incremental: true }, process: { use: 'pass' } };
    expect(await engine.fail(spec)).toMatchObject({
      code: 'spec.invalid',
      message: expect.stringContaining('source.incremental') as string,
    });
  });

  it('goes on where the file of a run that failed is gone', async () => {
    const { id, folder } = await schedule();
    const bad = await file(folder, 1, 'n\n"open\n');
    const failed = await trigger(id);
    await expect(engine.finish(failed)).rejects.toThrow();
    await rm(bad);
    await file(folder, 2);
    expect(numbers(await run(id))).toEqual([2]);
  });
});
