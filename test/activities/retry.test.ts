import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROCESS_DATASET } from '../../src/contract.js';
import type { Ended } from '../../src/core/job.js';
import { keys } from '../../src/core/receipt.js';
import type { Reject } from '../../src/core/records.js';
import { createWorkArea } from '../../src/stores/work-area.js';
import type { WorkArea } from '../../src/stores/port.js';
import { createJobs } from '../../src/temporal/jobs.js';
import type { Jobs } from '../../src/temporal/jobs.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine, Finished } from '../helpers/engine.js';
import { keptFiles } from '../helpers/kept-files.js';

let engine: Engine;
let jobs: Jobs;
let work: WorkArea;
let fault: string;

beforeAll(async () => {
  engine = await startEngine('retry');
  const { client, config } = engine;
  work = await createWorkArea(config.work);
  jobs = createJobs({ client, taskQueue: config.taskQueue, namespace: client.options.namespace, work });
  fault = engine.at('fault');
});
afterAll(() => engine.stop());

const breaks = () => writeFile(fault, '');
const mends = () => rm(fault, { force: true });

const retried: Engine['retried'] = (id, corrected) => engine.retried(id, corrected);

/** Records `n,bad`, of which each tenth is bad, in many chunks. */
const RECORDS = 300;
const lines = (from = 0, to = RECORDS) =>
  Array.from({ length: to - from }, (_, i) => `${from + i},${(from + i) % 10 === 7}\n`).join('');
const rows = async (name: string) => engine.write(name, `n,bad\n${lines()}`);
const CHUNKS = { chunk: { bytes: 200 }, retry: { attempts: 1 } };

const sha256 = async (file: string) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

function fatesAddUp({ counts, receipts }: Finished): void {
  expect(counts.in).toBe(counts.used + counts.filtered + counts.rejected);
  for (const { counts: one } of receipts) expect(one.in).toBe(one.used + one.filtered + one.rejected);
}

describe('a job that failed', () => {
  it.each([
    ['one file', 'failed/out.ndjson', undefined],
    ['a folder', 'failed/out/', 'csv'],
    ['one Parquet file', 'failed/out.parquet', undefined],
    ['no sink', null, undefined],
  ])(
    'goes on once its processor is mended, with what was done, and gives the same bytes: %s',
    async (_, name, format) => {
      await breaks();
      // Good chunks first, so that something is done when the fault is met.
      const text = `n,bad\n${lines().replaceAll('true', 'false')}${lines(RECORDS, 900)}`;
      const source = { uri: await engine.write('failed.csv', text) };
      const sink = (target: string | null) => (target === null ? {} : { sink: { uri: engine.at(target), format } });
      const process = { use: 'mendable', with: { fault, how: 'throw' } };
      const spec = { source, process, options: { ...CHUNKS, concurrency: 1 }, ...sink(name) };
      const { id, code } = await engine.fail(spec);
      expect(code).toBe('processor.failed');
      const kept = [...(await keptFiles(engine, id, 'receipts')), ...(await keptFiles(engine, id, 'parts'))];
      expect(kept.length).toBeGreaterThan(3);
      expect((await engine.workOf(id)).includes('ended.json')).toBe(true);

      await mends();
      const result = await retried(id);
      expect(result.state).toBe('completed');
      expect(result.counts).toEqual({ in: 900, used: 900, filtered: 0, rejected: 0, out: 900 });
      const after = new Map(
        (await keptFiles(engine, id, 'receipts')).map(({ name: file, mtimeMs }) => [file, mtimeMs]),
      );
      for (const { name: file, mtimeMs } of kept.filter((one) => one.name.startsWith('receipts/'))) {
        expect(after.get(file)).toBe(mtimeMs);
      }
      expect(result.manifestFile.generation).toBe(1);
      const undisturbed = await engine.run({ ...spec, ...sink(name && `again-${name}`) });
      expect(result.manifestFile.parts.map((part) => part.sha256)).toEqual(
        undisturbed.manifestFile.parts.map((part) => part.sha256),
      );
      fatesAddUp(result);
      if (name !== null) await rm(engine.at(path.dirname(name)), { recursive: true });
    },
  );

  it('for too many rejects: the ranges that had some are run again', async () => {
    await breaks();
    const uri = await rows('intolerant.csv');
    const spec = { source: { uri }, process: { use: 'mendable', with: { fault } }, options: CHUNKS };
    const { id, code } = await engine.fail(spec);
    expect(code).toBe('rejects.not_tolerated');
    await mends();
    const result = await retried(id);
    expect(result.counts).toEqual({ in: RECORDS, used: RECORDS, filtered: 0, rejected: 0, out: RECORDS });
    const undisturbed = await engine.run(spec);
    expect(result.manifestFile.parts[0]!.sha256).toBe(undisturbed.manifestFile.parts[0]!.sha256);
  });

  it('before it had a plan: is planned anew', async () => {
    const uri = engine.at('later.csv');
    const { id, code } = await engine.fail({ source: { uri }, process: { use: 'pass' } });
    expect(code).toBe('source.not_found');
    await engine.write('later.csv', 'n\n1\n');
    expect((await retried(id)).rows).toEqual([{ n: 1 }]);
  });

  it('of one small chunk, that kept nothing: runs whole', async () => {
    await breaks();
    const items = [{ n: 1, bad: true }];
    const spec = { source: { items }, process: { use: 'mendable', with: { fault, how: 'throw' } } };
    const { id } = await engine.fail({ ...spec, options: { retry: { attempts: 1 } } });
    expect(await engine.workOf(id)).toEqual(['ended.json']);
    await mends();
    const result = await retried(id);
    expect([result.rows, result.manifestFile.generation]).toEqual([items, 1]);
  });

  it('may fail again, and be retried again', async () => {
    await breaks();
    const uri = await rows('twice.csv');
    const process = { use: 'mendable', with: { fault, how: 'throw' } };
    const { id } = await engine.fail({ source: { uri }, process, options: CHUNKS });
    await expect(retried(id)).rejects.toThrow();
    await mends();
    const result = await retried(id);
    expect([result.counts.used, result.manifestFile.generation]).toEqual([RECORDS, 2]);
  });

  it('at its commit: only that is done again, and nothing of somebody else is replaced', async () => {
    const uri = await rows('taken.csv');
    const target = engine.at('taken.ndjson');
    const process = { use: 'slow', with: { ms: 5 } };
    const { id, handle } = await engine.start({ source: { uri }, process, sink: { uri: target }, options: CHUNKS });
    await expect.poll(() => engine.workOf(id)).toContainEqual(expect.stringContaining('receipts/'));
    await writeFile(target, 'of somebody else\n');
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'sink.exists' } });
    await expect(retried(id)).rejects.toMatchObject({ cause: { type: 'sink.exists' } });
    expect(await readFile(target, 'utf8')).toBe('of somebody else\n');
    await rm(target);
    const before = await keptFiles(engine, id, 'receipts');
    expect((await retried(id)).counts.used).toBe(RECORDS);
    expect(await keptFiles(engine, id, 'receipts')).toEqual(before);
  });
});

describe('a job that was cancelled at half', () => {
  it('goes on from there and gives the bytes of an undisturbed run', async () => {
    const uri = await engine.write('half.csv', `n\n${Array.from({ length: 900 }, (_, i) => `${i}\n`).join('')}`);
    const spec = (name: string, ms: number) => ({
      source: { uri },
      process: { use: 'slow', with: { ms } },
      sink: { uri: engine.at(name) },
      options: { chunk: { bytes: 200 }, concurrency: 2, timeout: { heartbeat: '1s' } },
    });
    const { id, handle } = await engine.start(spec('half.ndjson', 150));
    await expect
      .poll(async () => (await keptFiles(engine, id, 'receipts')).length, { timeout: 20_000 })
      .toBeGreaterThan(5);
    await jobs.cancel(id);
    await expect(handle.result()).rejects.toThrow();
    expect((await jobs.view(id)).state).toBe('cancelled');
    const before = await keptFiles(engine, id, 'receipts');
    expect(existsSync(engine.at('half.ndjson'))).toBe(false);

    const view = await jobs.retry(id, {});
    expect([view.id, view.state]).toEqual([id, 'pending']);
    const result = await engine.finish(id);
    expect(result.counts.used).toBe(900);
    expect(await keptFiles(engine, id, 'receipts')).toEqual(expect.arrayContaining(before));
    const { events } = await engine.client.workflow.getHandle(id).fetchHistory();
    const activities = events!.filter((event) => event.activityTaskScheduledEventAttributes).length;
    expect(activities).toBe(result.receipts.length - before.length);
    await engine.run(spec('whole.ndjson', 0));
    expect(await sha256(engine.at('half.ndjson'))).toBe(await sha256(engine.at('whole.ndjson')));
  });
});

/** CSV of `key,n`, where each twentieth line lacks its second field. */
const KEYS = 3;
const BROKEN = [5, 6, 120, 299];
const keyed = (broken = BROKEN) =>
  `key,n\n${Array.from({ length: RECORDS }, (_, i) => (broken.includes(i) ? `broken${i}\n` : `k${i % KEYS},${i}\n`)).join('')}`;
/** The record as it should have been. */
const mendedText = (reject: Reject) => {
  const i = Number(reject.raw.replace('broken', ''));
  return `k${i % KEYS},${i}`;
};
const QUARANTINE = { ...CHUNKS, rejects: { action: 'quarantine' } };
const SUMS = {
  map: 'select key, sum(n)::int n from chunk group by key',
  reduce: 'select key, sum(n)::int n from partials group by key order by key',
};

describe('a job that completed with rejects', () => {
  it.each([
    ['a record processor', { use: 'pass' }, 'out.ndjson', false],
    ['a record processor, parts in a folder', { use: 'pass' }, 'out/', false],
    ['a record processor, CSV', { use: 'pass' }, 'out.csv', false],
    ['a record processor, Parquet', { use: 'pass' }, 'out.parquet', false],
    ['a batch processor', { use: 'slow', with: { ms: 0 } }, null, false],
    ['a reduction', { use: 'sum-by-key' }, 'sums.ndjson', true],
    ['sql', { use: 'sql', with: { map: 'select * from chunk' } }, 'out.ndjson', false],
    ['sql with a second step', { use: 'sql', with: SUMS }, 'sums.csv', true],
    ['a reduction of one chunk', { use: 'sum-by-key', one: true }, null, true],
    ['sql with a second step over one chunk', { use: 'sql', with: SUMS, one: true }, null, true],
    ['a record processor over one chunk', { use: 'pass', one: true }, 'out.ndjson', false],
  ])(
    'takes corrected records and publishes the whole again: %s',
    async (_, { one, ...process }: Record<string, unknown>, name, same) => {
      const source = { uri: await engine.write('mend/in.csv', keyed()), csv: { types: { n: 'int' } } };
      const sink =
        name === null
          ? {}
          : { sink: { uri: engine.at(`mend/${name}`), format: name.endsWith('/') ? 'csv' : undefined } };
      const options = one === true ? { rejects: QUARANTINE.rejects } : QUARANTINE;
      const spec = { source, process, options, ...sink };
      const first = await engine.run(spec);
      expect([first.state, first.counts.rejected]).toEqual(['completed_with_rejects', BROKEN.length]);
      const before = await keptFiles(engine, first.id, 'receipts');

      // One record is left out, one is corrected badly, one comes back as it was.
      const [out, bad, asItWas, good] = first.rejected as [Reject, Reject, Reject, Reject];
      const second = await retried(first.id, [
        { ...bad, raw: 'k0,1\nk0,2' },
        asItWas,
        { ...good, raw: mendedText(good) },
      ]);
      fatesAddUp(second);
      expect(second.counts).toMatchObject({ in: RECORDS, used: RECORDS - 3, filtered: 0, rejected: 3 });
      expect(second.rejected).toEqual([
        out,
        {
          ...bad,
          code: 'row.not_one_record',
          message: 'the corrected text holds 2 records, wanted one',
          raw: 'k0,1\nk0,2',
        },
        asItWas,
      ]);
      expect(second.manifestFile.generation).toBe(1);
      expect(await keptFiles(engine, first.id, 'receipts')).toEqual(expect.arrayContaining(before));

      const third = await retried(
        first.id,
        second.rejected.map((reject) => ({ ...reject, raw: mendedText(reject === second.rejected[1] ? bad : reject) })),
      );
      fatesAddUp(third);
      expect([third.state, third.rejects, third.manifestFile.generation]).toEqual(['completed', null, 2]);
      expect(third.counts).toMatchObject({ in: RECORDS, used: RECORDS, filtered: 0, rejected: 0 });
      expect(
        (await engine.workOf(first.id))
          .filter((key) => /^(parts|rejects|corrections)\/|-g1/.test(key))
          .filter((key) => !key.startsWith('receipts')),
      ).toEqual([]);
      const clean = { uri: await engine.write('mend/clean.csv', keyed([])), csv: { types: { n: 'int' } } };
      const whole = await engine.run({ ...spec, source: clean, sink: undefined });
      expect(third.counts).toEqual(whole.counts);
      const onlyRows = ({ rows: some }: Finished) => [...some!].sort((a, b) => Number(a.n) - Number(b.n));
      if (third.rows) expect(same ? third.rows : onlyRows(third)).toEqual(same ? whole.rows : onlyRows(whole));
      if (name?.endsWith('.ndjson')) {
        const sorted = (text: string) => text.split('\n').sort();
        const written = await engine.read(`mend/${name}`);
        expect(sorted(written)).toEqual(sorted((await work.read(whole.output.uri)).toString()));
      }
      await rm(engine.at('mend'), { recursive: true });
    },
  );

  it('runs its rejected records again, and no others, once the processor is mended', async () => {
    await breaks();
    const uri = await rows('mended.csv');
    const sink = { uri: engine.at('mended.ndjson') };
    const spec = { source: { uri }, process: { use: 'mendable', with: { fault } }, options: QUARANTINE, sink };
    const first = await engine.run(spec);
    expect(first.counts.rejected).toBe(RECORDS / 10);
    expect((await retried(first.id)).counts).toEqual(first.counts);
    await mends();
    const result = await retried(first.id);
    expect(result.counts).toEqual({ in: RECORDS, used: RECORDS, filtered: 0, rejected: 0, out: RECORDS });
    // Each range was read once as a whole: what it wrote then is there still, and the mended records follow it.
    const last = result.receipts.filter((receipt) => receipt.run === 2);
    expect(last.length).toBeGreaterThan(1);
    for (const { mended, from } of last) {
      const base = first.receipts.find((receipt) => receipt.from === from)!;
      expect(mended!.map((part) => part.records)).toEqual([base.counts.rejected]);
    }
  });

  it.each(['items', 'Parquet'])('finds its records by their numbers: %s', async (kind) => {
    await breaks();
    const items = Array.from({ length: 100 }, (_, n) => ({ n, bad: n % 10 === 7 }));
    let source: object = { items };
    if (kind === 'Parquet') {
      const uri = engine.at('numbers.parquet');
      await engine.run({ source, process: { use: 'pass' }, sink: { uri } });
      source = { uri };
    }
    const options = { rejects: { action: 'quarantine' }, chunk: { rows: 30 } };
    const first = await engine.run({ source, process: { use: 'mendable', with: { fault } }, options });
    expect(first.rejected.map(({ record }) => record)).toEqual([8, 18, 28, 38, 48, 58, 68, 78, 88, 98]);
    const corrected = { ...first.rejected[1]!, raw: '{"n":1700,"bad":false}' };
    expect((await retried(first.id, [corrected])).counts).toMatchObject({ in: 100, used: 91, rejected: 9 });
    await mends();
    const result = await retried(first.id);
    expect(result.state).toBe('completed');
    const numbers = result.rows!.map((row) => Number(row.n)).sort((a, b) => a - b);
    expect(numbers).toEqual([...items.map(({ n }) => n).filter((n) => n !== 17), 1700]);
  });

  it('is run again by whole ranges where the records were not kept', async () => {
    await breaks();
    const uri = await rows('skipped.csv');
    const options = { ...CHUNKS, rejects: { action: 'skip' } };
    const spec = { source: { uri }, process: { use: 'mendable', with: { fault } }, options };
    const first = await engine.run(spec);
    await mends();
    const result = await retried(first.id);
    expect(result.counts).toEqual({ in: RECORDS, used: RECORDS, filtered: 0, rejected: 0, out: RECORDS });
    expect(result.manifestFile.parts).toEqual(
      (await engine.run(spec)).manifestFile.parts.map((part) => ({ ...part, uri: result.output.uri })),
    );
  });

  it('leaves its output alone where somebody else changed it', async () => {
    const uri = await engine.write('changed.csv', keyed());
    const sink = { uri: engine.at('changed/'), format: 'csv' };
    const first = await engine.run({ source: { uri }, process: { use: 'pass' }, options: QUARANTINE, sink });
    await engine.write('changed/notes.txt', 'mine');
    await expect(retried(first.id)).rejects.toMatchObject({ cause: { type: 'sink.exists' } });
    expect(await engine.read('changed/notes.txt')).toBe('mine');
    await rm(engine.at('changed/notes.txt'));
    expect((await retried(first.id)).manifestFile.generation).toBe(2);
  });
});

describe('a job that ended', () => {
  const items = [{ n: 1 }];

  it('says until when what it left is kept', async () => {
    const options = { retention: { result: '1h', work: '2d' } };
    const { id, finishedAt } = await engine.run({ source: { items }, process: { use: 'pass' }, options });
    const ended = JSON.parse((await work.read(keys.ended(id))).toString()) as Ended;
    const after = (ms: number) => new Date(Date.parse(finishedAt) + ms).toISOString();
    const keepUntil = { result: after(3_600_000), work: after(2 * 86_400_000) };
    expect(ended).toEqual({ state: 'completed', endedAt: finishedAt, keepUntil });
  });

  it('and whose id is started once more, not as a retry, begins anew', async () => {
    await breaks();
    const { client, config } = engine;
    const uri = await rows('anew.csv');
    const process = { use: 'mendable', with: { fault, how: 'throw' } };
    const { id } = await engine.fail({ source: { uri }, process, options: CHUNKS });
    const spec = { source: { items }, process: { use: 'pass' }, options: { chunk: { rows: 1 } } };
    await client.workflow.start(PROCESS_DATASET, { workflowId: id, taskQueue: config.taskQueue, args: [spec] });
    expect((await engine.finish(id)).rows).toEqual(items);
  });
});

describe('whatever is corrected, and how', () => {
  it('every record keeps one fate, and what cannot be mended its place', async () => {
    const fate = fc.constantFrom('good', 'good', 'good', 'broken', 'negative', 'quoted');
    const answer = fc.constantFrom('left out', 'as it was', 'mended', 'still bad', 'two records');
    const table = fc.array(fate, { minLength: 5, maxLength: 120 });
    const given = fc.record({
      table,
      answers: fc.array(answer, { minLength: 1, maxLength: 7 }),
      bytes: fc.integer({ min: 20, max: 900 }),
    });
    await fc.assert(
      fc.asyncProperty(given, async ({ table: fates, answers, bytes }) => {
        const record = { good: 'k,1', broken: 'k', negative: 'k,-1', quoted: '"first\nsecond",1' };
        const uri = await engine.write('property.csv', `key,n\n${fates.map((one) => `${record[one]}\n`).join('')}`);
        const options = { chunk: { bytes }, rejects: { action: 'quarantine' } };
        const source = { uri, csv: { types: { n: 'int' } } };
        const first = await engine.run({ source, process: { use: 'sum-by-key' }, options });
        const bad = fates.filter((one) => one === 'broken' || one === 'negative').length;
        expect(first.counts).toMatchObject({ in: fates.length, rejected: bad, used: fates.length - bad });
        if (bad === 0) return;

        const answered = first.rejected.map((reject, i) => ({ reject, answer: answers[i % answers.length]! }));
        const raw = { mended: 'k,1', 'still bad': 'k,-2', 'two records': 'k,1\nk,1' };
        const corrected = answered.flatMap(({ reject, answer: how }) => {
          if (how === 'left out') return [];
          return [how === 'as it was' ? reject : { ...reject, raw: raw[how] }];
        });
        if (corrected.length === 0) return;
        const second = await retried(first.id, corrected);
        fatesAddUp(second);
        const mended = answered.filter(({ answer: how }) => how === 'mended').length;
        expect(second.counts).toMatchObject({
          in: fates.length,
          used: fates.length - bad + mended,
          rejected: bad - mended,
        });
        const places = (rejects: Reject[]) =>
          rejects.map(({ line, offset, record: number }) => [line, offset, number]).sort();
        const left = answered.filter(({ answer: how }) => how !== 'mended').map(({ reject }) => reject);
        expect(places(second.rejected)).toEqual(places(left));
        const sum = (second.rows ?? []).reduce((total, row) => total + Number(row.n), 0);
        expect(sum).toBe(second.counts.used);
      }),
      { numRuns: 12, seed: 20 },
    );
  }, 120_000);
});

describe('a retry that cannot be', () => {
  async function runsOf(id: string): Promise<number> {
    let runs = 0;
    for await (const _ of engine.client.workflow.list({ query: `WorkflowId = '${id}'` })) runs++;
    return runs;
  }

  const refused = (id: string, options = {}) =>
    jobs.retry(id, options).then(
      () => 'started',
      (error: { code: string }) => error.code,
    );

  it('is refused with a code', async () => {
    const items = [{ n: 1 }];
    expect(await refused('j-nowhere')).toBe('job.not_found');
    expect(await refused((await engine.run({ source: { items }, process: { use: 'pass' } })).id)).toBe(
      'job.nothing_to_retry',
    );
    const open = await engine.start({
      source: { items },
      process: { use: 'slow', with: { ms: 60_000 } },
      options: { timeout: { heartbeat: '1s' } },
    });
    expect(await refused(open.id)).toBe('job.open');
    await jobs.cancel(open.id);
    await open.handle.result().catch(() => undefined);

    const { id } = await engine.fail({
      source: { uri: engine.at('nowhere.csv') },
      process: { use: 'pass' },
      options: {},
    });
    const text = await work.read(keys.ended(id));
    const past = new Date(0).toISOString();
    await work.replace(
      keys.ended(id),
      JSON.stringify({ ...(JSON.parse(text.toString()) as object), keepUntil: { work: past, result: past } }),
    );
    expect(await refused(id)).toBe('job.expired');
    await work.remove(keys.job(id));
    expect(await refused(id)).toBe('job.expired');
  });

  it('is the retry that runs already, where it is asked for twice', async () => {
    // Runs are ended by hand: how fast this machine is does not matter.
    const { id } = await engine.start({
      source: { items: [{ n: 1 }] },
      process: { use: 'slow', with: { ms: 60_000 } },
    });
    const stop = async () => {
      await expect.poll(async () => (await jobs.view(id)).state).toBe('running');
      await jobs.cancel(id);
      await expect(engine.finish(id)).rejects.toThrow();
    };
    await stop();
    await Promise.all([jobs.retry(id, {}), jobs.retry(id, {}), jobs.retry(id, { key: 'k' }).catch(() => undefined)]);
    expect(await jobs.retry(id, {})).toMatchObject({ id });
    await stop();
    await expect.poll(() => runsOf(id)).toBe(2);

    await jobs.retry(id, { key: 'again' });
    await stop();
    expect(await jobs.retry(id, { key: 'again' })).toMatchObject({ state: 'cancelled' });
    await expect.poll(() => runsOf(id)).toBe(3);
    const { jobs: listed } = await jobs.list({ limit: 100 });
    expect(listed.filter((job) => job.id === id)).toHaveLength(1);
  });
});

describe('chunks that were given up', () => {
  it.each(['a file', 'items'])('run again, and nothing else does: %s', async (kind) => {
    await breaks();
    const bad = 41;
    const row = (n: number) => ({ n, bad: n === bad });
    const numbers = Array.from({ length: 100 }, (_one, n) => n);
    const uri = await engine.write('given-up.csv', `n,bad\n${numbers.map((n) => `${n},${n === bad}\n`).join('')}`);
    const spec = {
      source: kind === 'items' ? { items: numbers.map(row) } : { uri },
      process: { use: 'mendable', with: { fault, how: 'throw' } },
      options: {
        chunk: kind === 'items' ? { rows: 5 } : { bytes: 40 },
        retry: { attempts: 1 },
        failedChunks: { tolerate: 1 },
      },
    };
    const first = await engine.run(spec);
    expect([first.state, first.failedChunks]).toEqual(['completed_with_rejects', 1]);
    const before = await keptFiles(engine, first.id, 'receipts');

    // As long as the fault is there a retry changes nothing.
    const again = await retried(first.id);
    expect([again.failedChunks, again.counts]).toEqual([1, first.counts]);
    await mends();
    const result = await retried(first.id);
    expect([result.state, result.failedChunks]).toEqual(['completed', 0]);
    expect(result.rows).toEqual(numbers.map(row));
    expect(await keptFiles(engine, first.id, 'receipts')).toEqual(expect.arrayContaining(before));
  });
});
