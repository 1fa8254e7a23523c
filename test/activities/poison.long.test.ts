import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startWorker } from '../../src/worker.js';
import { makePlace, startEngine } from '../helpers/engine.js';
import type { Engine, Place } from '../helpers/engine.js';
import { testWorkflowBundle } from '../helpers/temporal-server.js';
import { startWorkerProcess } from '../helpers/worker-process.js';
import type { WorkerProcess } from '../helpers/worker-process.js';

// A lost thread is paid for with three processes, each of which loads all code anew.
vi.setConfig({ testTimeout: 120_000 });

const RECORDS = 120;

interface Table {
  text: string;
  /** Each record as it stands in the file. */
  lines: string[];
}

/** A CSV whose records are harmless but for those named; notes with line ends make lines and records differ. */
function table(deeds: Record<number, string>): Table {
  const lines = Array.from({ length: RECORDS }, (_, n) => `${n},${deeds[n] ?? (n % 7 === 0 ? '"one\nmore"' : 'none')}`);
  return { text: ['n,deed', ...lines, ''].join('\n'), lines };
}

const options = (changes: object = {}) => ({
  rejects: { action: 'quarantine' },
  retry: { attempts: 4, first: '10ms' },
  timeout: { chunk: '60s', heartbeat: '2s' },
  ...changes,
});

async function job(place: Place, name: string, { text }: Table, use: string, changes?: object) {
  const uri = await place.write(`${name}.csv`, text);
  const sink = { uri: place.at(`${name}-out.csv`), ifExists: 'replace' };
  return { source: { uri }, process: { use }, sink, options: options(changes) };
}

/** Where a record stands, as a reject says it. */
function placeOf({ text, lines }: Table, n: number) {
  const before = text.slice(0, ['n,deed', ...lines.slice(0, n), ''].join('\n').length);
  return { offset: Buffer.byteLength(before), line: before.split('\n').length, record: n + 1, raw: lines[n] };
}

function without({ lines }: Table, rejected: number[]): string {
  return ['n,deed', ...lines.filter((_, n) => !rejected.includes(n)), ''].join('\n');
}

/** What takes an eighth of it is taken for one that never ends: to fill a memory is slow work on a busy machine. */
const UNHURRIED = { timeout: { chunk: '4m', heartbeat: '4s' } };

describe('a record that ends its thread', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine('poison');
  });
  afterAll(() => engine.stop());

  async function worksOn(): Promise<void> {
    const items = [{ n: 1 }];
    expect((await engine.run({ source: { items }, process: { use: 'pass' } })).rows).toEqual(items);
  }

  it.each([
    [
      'runs out of memory',
      'poison',
      'memory',
      'processor.out_of_memory',
      /^the processor ran out of memory at this record/,
    ],
    [
      'ends the process',
      'poison',
      'exit',
      'processor.crashed',
      /^the processor ended its process at this record \(exit code 3\)$/,
    ],
    ['does so among many under way', 'poison-later', 'exit', 'processor.crashed', /exit code 3/],
    ['does so in a batch', 'poison-batch', 'exit', 'processor.crashed', /exit code 3/],
  ])('is rejected by its place, and nothing else is: it %s (%s)', async (_, use, deed, code, message) => {
    const some = table({ 77: deed });
    const staged = await engine.staging();
    const { state, counts, rejected } = await engine.run(await job(engine, `${use}-${deed}`, some, use, UNHURRIED));
    expect(state).toBe('completed_with_rejects');
    expect(rejected).toEqual([
      {
        source: engine.at(`${use}-${deed}.csv`),
        chunk: 0,
        ...placeOf(some, 77),
        code,
        message: expect.stringMatching(message) as unknown,
      },
    ]);
    expect(counts).toEqual({ in: RECORDS, used: RECORDS - 1, filtered: 0, rejected: 1, out: RECORDS - 1 });
    expect(await engine.read(`${use}-${deed}-out.csv`)).toBe(without(some, [77]));
    // The lost thread could not tidy up; the processes were tidied up after.
    expect(await engine.staging()).toHaveLength(staged.length + 1);
    await worksOn();
  });

  it('is found when it never comes to an end, though one attempt has no time for all of them', async () => {
    const some = table({ 31: 'loop', 60: 'loop', 90: 'loop' });
    const retry = { attempts: 40, first: '10ms' };
    // Of an attempt there has to be time for a few processes, which a busy machine starts slowly.
    const timeout = { chunk: '10s', heartbeat: '4s' };
    const { rejected, counts } = await engine.run(await job(engine, 'loop', some, 'poison', { retry, timeout }));
    expect(rejected).toMatchObject([
      {
        ...placeOf(some, 31),
        code: 'processor.stuck',
        message: 'the processor did not come to an end at this record (not done after 1250 ms)',
      },
      { ...placeOf(some, 60), code: 'processor.stuck' },
      { ...placeOf(some, 90), code: 'processor.stuck' },
    ]);
    expect(counts).toMatchObject({ in: RECORDS, used: RECORDS - 3 });
    expect(await engine.read('loop-out.csv')).toBe(without(some, [31, 60, 90]));
    await worksOn();
  }, 300_000);

  it('is rejected in its turn among the rejects of the processor itself, and so are several', async () => {
    const some = table({ 3: 'refuse', 40: 'exit', 41: 'refuse', 42: 'exit', 43: 'broken,record', 119: 'exit' });
    const { rejected, counts } = await engine.run(await job(engine, 'several', some, 'poison-batch'));
    expect(rejected.map(({ record, code }) => [record, code])).toEqual([
      [44, 'row.column_count'],
      [4, 'processor.rejected'],
      [41, 'processor.crashed'],
      [42, 'processor.rejected'],
      [43, 'processor.crashed'],
      [120, 'processor.crashed'],
    ]);
    expect(counts).toMatchObject({ in: RECORDS, used: RECORDS - 6, rejected: 6 });
    expect(await engine.read('several-out.csv')).toBe(without(some, [3, 40, 41, 42, 43, 119]));
  });

  it('is left out of a reduction, and placed in the file by whichever chunk it is in', async () => {
    const some = table({ 90: 'exit' });
    const { source, process, options } = await job(engine, 'sum', some, 'poison-sum');
    const { rows, rejected } = await engine.run({ source, process, options: { ...options, chunk: { bytes: 300 } } });
    expect(rows).toEqual([{ sum: (RECORDS * (RECORDS - 1)) / 2 - 90 }]);
    expect(rejected).toMatchObject([placeOf(some, 90)]);
  });

  it('fails the job unless rejects are allowed, and is named', async () => {
    const some = table({ 77: 'exit' });
    const { code, message } = await engine.fail(
      await job(engine, 'fails', some, 'poison', { rejects: { action: 'fail' } }),
    );
    expect(code).toBe('rejects.not_tolerated');
    expect(message).toContain(
      `fails.csv byte ${placeOf(some, 77).offset}: processor.crashed: the processor ended its process at this record (exit code 3) ("77,exit")`,
    );
    await worksOn();
  });

  it('is not seen in records that do it only together: the chunk fails', async () => {
    const retry = { attempts: 2, first: '10ms' };
    const { code, message } = await engine.fail(
      await job(engine, 'crowd', table({ 77: 'crowd' }), 'poison-batch', { retry }),
    );
    expect([code, message]).toEqual([
      'processor.crashed',
      'the processor ended its process (exit code 4) in chunk 1, at records 51-100 of those that could be read, and not at any one of them alone',
    ]);
  });

  it('is not seen in records that take long together: they get their time', async () => {
    // The first attempt is lost, so that limits hold: 1.5 s.
    const some = table({ 5: 'thread', 77: 'slow' });
    const timeout = { chunk: '12s', heartbeat: '2s' };
    const { state, counts } = await engine.run(await job(engine, 'slow', some, 'poison-batch', { timeout }));
    expect([state, counts.used]).toEqual(['completed', RECORDS]);
    expect(await engine.read('slow-out.csv')).toBe(some.text);
  });

  it('is not looked for where a processor throws: that uses up the attempts, each in a thread', async () => {
    const { code, message } = await engine.fail(await job(engine, 'throws', table({ 5: 'throw' }), 'poison'));
    expect(code).toBe('processor.failed');
    expect(message).toMatch(/^processor "poison" failed at byte \d+: in a thread$/);
  });
});

describe('a worker that leaves while it runs a process of its own', () => {
  it('hands the attempt on, with what it has learned', async () => {
    const place = await makePlace('poison-leave', { threads: 1 });
    const start = () => startWorker(place.config, { workflowBundle: testWorkflowBundle() });
    const leaving = await start();
    const some = table({ 5: 'thread', 77: 'slow', 110: 'slow' });
    const { id, handle } = await place.start(await job(place, 'leave', some, 'poison-batch'));
    const attempt = async () => (await handle.describe()).raw.pendingActivities?.[0]?.attempt ?? 0;
    await expect.poll(attempt, { timeout: 30_000 }).toBe(2);
    const staying = await start();
    await leaving.stop();
    expect((await handle.result()).counts.used).toBe(RECORDS);
    const { events } = await place.client.workflow.getHandle(id).fetchHistory();
    // Begun anew, as an activity that never lost a thread, it would lose another one.
    expect(events!.flatMap((event) => event.activityTaskStartedEventAttributes?.attempt ?? [])).toEqual([3]);
    await staying.stop();
    await place.remove();
  });
});

describe('a promise that nobody awaits', () => {
  it('is an error of the task and spares its thread', async () => {
    const engine = await startEngine('stray');
    const { code, message } = await engine.fail(
      await job(engine, 'stray', table({ 5: 'stray' }), 'poison', { retry: { attempts: 2, first: '1ms' } }),
    );
    expect([code, message]).toEqual([
      'processor.failed',
      'task "process" left a promise behind that nobody awaited, and it was rejected: nobody listens; await it',
    ]);
    await engine.stop();
  });
});

describe('a thread that ends between two tasks', () => {
  it('is replaced, and its worker goes on', async () => {
    const engine = await startEngine('between');
    const run = async (deed: string) =>
      (await engine.run({ source: { items: [{ n: 1, deed }] }, process: { use: 'poison' } })).state;
    expect(await run('afterwards')).toBe('completed');
    await sleep(1_500);
    for (let i = 0; i < 4; i++) expect(await run('none')).toBe('completed');
    await engine.stop();
  });
});

describe('a record that ends its whole worker', () => {
  let place: Place;
  let worker: WorkerProcess | undefined;
  beforeAll(async () => {
    place = await makePlace('poison-worker', { threads: 1 });
  });
  afterEach(() => worker?.stop());
  afterAll(() => place.remove());

  it('ends one worker, and only a process of its own from then on', async () => {
    worker = await startWorkerProcess(place.config);
    const some = table({ 64: 'segfault' });
    const { id, handle } = await place.start(await job(place, 'segfault', some, 'poison'));
    await worker.ended;
    worker = await startWorkerProcess(place.config);
    expect((await handle.result()).state).toBe('completed_with_rejects');
    expect(worker.running).toBe(true);
    const { rejected } = await place.finished(id, await handle.result());
    expect(rejected).toMatchObject([
      {
        ...placeOf(some, 64),
        code: 'processor.crashed',
        message: 'the processor ended its process at this record (SIGSEGV)',
      },
    ]);
    expect(await place.read('segfault-out.csv')).toBe(without(some, [64]));
  });

  it('that cannot be ended makes the worker end itself, and the next one goes on', async () => {
    worker = await startWorkerProcess(place.config);
    const began = place.at('native.began');
    const { handle } = await place.start(await job(place, 'native', table({ 64: `native ${began}` }), 'poison'));
    await expect.poll(() => existsSync(began), { timeout: 30_000 }).toBe(true);
    await handle.cancel();
    await worker.ended;
    worker = await startWorkerProcess(place.config);
    await expect(handle.result()).rejects.toThrow('cancelled');
    const items = [{ n: 1 }];
    expect((await place.run({ source: { items }, process: { use: 'pass' } })).rows).toEqual(items);
  });
});
