import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEngine } from '../../helpers/engine.js';
import type { Engine } from '../../helpers/engine.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine('processors');
});
afterAll(() => engine.stop());

const jobs = (...names: string[]) => names.map((job, i) => ({ n: i + 1, job }));
const numbers = (...ns: number[]) => ns.map((n) => ({ n }));
const over = (use: string, items: unknown[], params: object = {}, options: object = {}) => ({
  source: { items },
  process: { use, with: params },
  options,
});
const oddJobs = (items: unknown[], params: object = {}, options: object = {}) =>
  over('odd-jobs', items, params, options);

describe('a record processor', () => {
  it('gives one row, several, none; each record has one fate', async () => {
    const { rows, counts } = await engine.run(oddJobs(jobs('greet', 'twice', 'none', 'filter')));
    expect(rows).toEqual([
      { n: 1, greeting: 'hello' },
      { n: 2, job: 'twice' },
      { n: 2, job: 'twice', again: true },
    ]);
    expect(counts).toEqual({ in: 4, used: 3, filtered: 1, rejected: 0, out: 3 });
  });

  it('gets its parameters with their defaults, and keeps the order whatever it waits for', async () => {
    const { rows } = await engine.run(oddJobs(jobs('greet', 'greet', 'greet'), { greeting: 'hi', slow: true }));
    expect(rows).toEqual([1, 2, 3].map((n) => ({ n, greeting: 'hi' })));
  });

  it('refuses a record with a code of its own', async () => {
    const job = oddJobs(jobs('greet', 'refuse'), {}, { rejects: { action: 'quarantine' } });
    const { state, counts, rejected } = await engine.run(job);
    expect(state).toBe('completed_with_rejects');
    expect(counts).toEqual({ in: 2, used: 1, filtered: 0, rejected: 1, out: 1 });
    expect(rejected).toEqual([
      {
        source: 'items',
        chunk: 0,
        offset: null,
        line: null,
        record: 2,
        code: 'odd.refused',
        message: 'was told to',
        raw: '{"n":2,"job":"refuse"}',
      },
    ]);
  });

  it('that throws is tried as often as the job says, then the job fails', async () => {
    const retry = { attempts: 3, first: '10ms' };
    const { id, code, message } = await engine.fail(oddJobs(jobs('greet', 'throw'), {}, { retry }));
    expect(code).toBe('processor.failed');
    expect(message).toBe('processor "odd-jobs" failed at record 2 of its chunk: cannot do 2');
    expect(await attemptsOf(id)).toEqual([3]);
    expect(await engine.workOf(id)).toEqual(['ended.json']);
    expect(await engine.staging()).toEqual([]);
  });

  it('is tried once where options.retry.never names the code', async () => {
    const retry = { attempts: 3, first: '10ms', never: ['processor.failed'] };
    const { id, code } = await engine.fail(oddJobs(jobs('throw'), {}, { retry }));
    expect(code).toBe('processor.failed');
    expect(await attemptsOf(id)).toEqual([1]);
  });

  it('that returns no row fails at once', async () => {
    const { id, code, message } = await engine.fail(oddJobs(jobs('text')));
    expect([code, message]).toEqual([
      'processor.bad_output',
      'processor "odd-jobs": wanted a row, an array of rows, null or reject(…), found string',
    ]);
    expect(await attemptsOf(id)).toEqual([1]);
  });

  it('logs by the worker', async () => {
    const said = vi.spyOn(process.stdout, 'write');
    const { id } = await engine.run(oddJobs([{ n: 41, job: 'log' }]));
    await vi.waitFor(() => expect(said.mock.calls.join()).toContain(`[${id} odd-jobs] saw 41`));
    said.mockRestore();
  });
});

describe('a batch processor', () => {
  it('gets its records in batches of its size, and answers for each', async () => {
    const { rows, counts } = await engine.run(
      over('number-batch', numbers(1, 0, 3, 4, -5), {}, { rejects: { action: 'skip' } }),
    );
    expect(rows).toEqual([
      { n: 1, of: 3 },
      { n: 3, of: 3 },
      { n: 4, of: 2 },
    ]);
    expect(counts).toEqual({ in: 5, used: 3, filtered: 1, rejected: 1, out: 3 });
  });

  it('fails when it loses one', async () => {
    const { code, message } = await engine.fail(over('number-batch', numbers(1, 2, 3), { lose: true }));
    expect([code, message]).toEqual([
      'processor.bad_output',
      'processor "number-batch": batch() got 3 records and must return one entry for each, found 2 entries',
    ]);
  });
});

describe('a reduce processor', () => {
  const items = Array.from({ length: 100 }, (_, i) => ({ key: 'abc'[i % 3]!, n: i }));
  const sums = [
    { key: 'a', n: 1683 },
    { key: 'b', n: 1617 },
    { key: 'c', n: 1650 },
  ];

  it.each([
    ['one chunk', 'auto'],
    ['many chunks', { rows: 7 }],
  ])('gives the same over %s', async (_, chunk) => {
    const { rows, counts, manifestFile } = await engine.run(over('sum-by-key', items, {}, { chunk }));
    expect(rows).toEqual(sums);
    expect(counts).toEqual({ in: 100, used: 100, filtered: 0, rejected: 0, out: 3 });
    expect(manifestFile.parts).toMatchObject([{ chunk: null, records: 3 }]);
  });

  it('refuses records', async () => {
    const options = { rejects: { action: 'quarantine' }, chunk: { rows: 2 } };
    const job = over('sum-by-key', [...items.slice(0, 5), { key: 'a', n: -1 }], {}, options);
    const { counts, rejected } = await engine.run(job);
    expect(counts).toMatchObject({ in: 6, used: 5, rejected: 1 });
    expect(rejected).toMatchObject([{ record: 6, chunk: 2, message: 'negative', raw: '{"key":"a","n":-1}' }]);
  });
});

async function attemptsOf(id: string): Promise<number[]> {
  const { events } = await engine.client.workflow.getHandle(id).fetchHistory();
  return events!.flatMap((event) => event.activityTaskStartedEventAttributes?.attempt ?? []);
}
