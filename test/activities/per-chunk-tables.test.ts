/** Tables whose rows are seen range by range (`sink.visible: perChunk`). */
import { rm, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTables } from '../../src/stores/postgres/tables.js';
import type { RangeLoad } from '../../src/stores/port.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { startPostgres } from '../helpers/postgres-server.js';
import type { PostgresServer } from '../helpers/postgres-server.js';

let server: PostgresServer;
let engine: Engine;
let fault: string;
beforeAll(async () => {
  server = await startPostgres();
  engine = await startEngine('per-chunk', { postgres: { db: server.url } });
  fault = engine.at('fault');
});
afterAll(async () => {
  await engine?.stop();
  await server?.stop();
});

const RECORDS = 3000;
const SMALL_CHUNKS = { chunk: { bytes: 2000 }, retry: { attempts: 1 } };
const breaks = () => writeFile(fault, '');
const mends = () => rm(fault, { force: true });
const to = (table: string, more: object = {}) => ({ uri: `postgres://db/${table}`, visible: 'perChunk', ...more });
const lines = (isBad: (n: number) => boolean) =>
  Array.from({ length: RECORDS }, (_, n) => `${n},"a ""${n}"",\nb",${isBad(n)}\n`).join('');
const sums = (table: string) =>
  server.query(`select count(*)::int n, count(distinct n)::int d, sum(n::int)::int s from ${table}`);
const SUMS = [{ n: RECORDS, d: RECORDS, s: ((RECORDS - 1) * RECORDS) / 2 }];
const ranges = (job: string) => server.query('select * from millrace_chunks where job = $1', [job]);
const commits = (job: string) =>
  server.query('select generation, rows::int from millrace_commits where job = $1 order by 1', [job]);

/** Records `n,text,bad`, in many chunks; the fixture `mendable` has its fault with those that are bad. */
async function job(name: string, isBad: (n: number) => boolean, how: 'throw' | 'reject', options: object = {}) {
  const uri = await engine.write(`${name}.csv`, `n,text,bad\n${lines(isBad)}`);
  return {
    source: { uri },
    process: { use: 'mendable', with: { fault, how } },
    sink: to(name),
    options: { ...SMALL_CHUNKS, ...options },
  };
}

describe('a job that succeeds', () => {
  it.each([
    ['SQL', { use: 'sql', with: { map: 'select * from chunk' } }],
    ['a processor', { use: 'pass' }],
  ])('has each row once, by %s, and keeps no word of its ranges', async (_, process) => {
    const table = `whole_${process.use}`;
    const spec = { ...(await job(table, () => false, 'throw')), process };
    const { id, chunks, output, manifestFile } = await engine.run(spec);
    expect(chunks).toBeGreaterThan(20);
    expect(await sums(table)).toEqual(SUMS);
    expect(await server.query(`select text from ${table} where n::int = 7`)).toEqual([{ text: 'a "7",\nb' }]);
    expect(output).toMatchObject({ uri: `postgres://db/${table}`, records: RECORDS });
    expect(manifestFile.counts.out).toBe(RECORDS);
    expect(await commits(id)).toEqual([{ generation: 0, rows: RECORDS }]);
    expect(await ranges(id)).toEqual([]);
    expect((await engine.fail(spec)).code).toBe('sink.exists');
  });

  it('has each row once too where activities leave rests, and what stands behind a wrong guess waits for it', async () => {
    const options = { chunk: { bytes: 600 }, timeout: { chunk: '2s' } };
    const spec = await job('rests', () => false, 'throw', options);
    const process = { use: 'mendable', with: { fault, how: 'throw', ms: 120 } };
    const { id, receipts } = await engine.run({ ...spec, process });
    expect(receipts.filter(({ asked }) => asked !== undefined).length).toBeGreaterThan(5);
    expect(await sums('rests')).toEqual(SUMS);
    expect(await ranges(id)).toEqual([]);
  });

  it('of one small chunk too', async () => {
    await engine.run({ source: { items: [{ n: 1 }, { n: 2 }] }, process: { use: 'pass' }, sink: to('small') });
    expect(await server.query('select n from small order by n')).toEqual([{ n: '1' }, { n: '2' }]);
  });

  it('adds to a table, or replaces by key', async () => {
    await server.query('create table kept (n int primary key, v text)');
    const sink = (more: object) => to('kept', more);
    const run = (rows: object[], more: object) =>
      engine.run({
        source: { items: rows },
        process: { use: 'pass' },
        sink: sink(more),
        options: { chunk: { rows: 1 } },
      });
    await run([{ n: 1, v: 'a' }, { n: 2, v: 'b' }], {}); // prettier-ignore
    await run([{ n: 3, v: 'c' }, { n: 4, v: 'd' }], { ifExists: 'append' }); // prettier-ignore
    await run([{ n: 4, v: 'D' }, { n: 5, v: 'E' }], { upsert: 'n' }); // prettier-ignore
    expect(await server.query(`select string_agg(n || v, ' ' order by n) as rows from kept`)).toEqual([
      { rows: '1a 2b 3c 4D 5E' },
    ]);
  });

  it.each([
    ['SQL', { use: 'sql', with: { map: 'select * from chunk' } }],
    ['a processor', { use: 'pass' }],
  ])('whose text was guessed wrong has each row once, by %s', async (_, process) => {
    // More than the reader looks ahead for a guess, so that "these are records" is what it must believe.
    const inside = Array.from({ length: 9000 }, (_record, n) => `${n},looks like a record`).join('\n');
    const table = `hostile_${process.use}`;
    const uri = await engine.write('hostile.csv', `n,text\n1,before\n2,"${inside}"\n3,after\n`);
    const options = { chunk: { bytes: '32KiB' } };
    const { receipts } = await engine.run({ source: { uri }, process, sink: to(table), options });
    expect(receipts.some(({ generation }) => generation > 0)).toBe(true);
    expect(await server.query(`select n::int, length(text) as long from ${table} order by 1`)).toEqual([
      { n: 1, long: 6 },
      { n: 2, long: inside.length },
      { n: 3, long: 5 },
    ]);
  });
});

describe('a job that fails', () => {
  it('leaves the rows of what was done, and a retry adds the others', async () => {
    await breaks();
    const { id, code } = await engine.fail(await job('failing', (n) => n === 2000, 'throw'));
    expect(code).toBe('processor.failed');
    const [{ n }] = (await sums('failing')) as [{ n: number }];
    expect(n).toBeGreaterThan(500);
    expect(n).toBeLessThan(RECORDS);
    expect(await commits(id)).toEqual([]);
    await mends();
    await engine.retried(id);
    expect(await sums('failing')).toEqual(SUMS);
    expect(await commits(id)).toEqual([{ generation: 1, rows: RECORDS }]);
  });

  it('for its rejects: a retry runs their ranges again and adds their rows once', async () => {
    await breaks();
    const { id, code } = await engine.fail(await job('intolerant', (n) => n % 500 === 499, 'reject'));
    expect(code).toBe('rejects.not_tolerated');
    await mends();
    await engine.retried(id);
    expect(await sums('intolerant')).toEqual(SUMS);
  });

  it('because a value does not fit: at that range, and says where', async () => {
    await server.query('create table narrow (n int check (n <> 1500), text text, bad text)');
    const spec = await job('narrow', () => false, 'throw', { failedChunks: { tolerate: 5 } });
    const { code } = await engine.fail(spec);
    expect(code).toBe('sink.constraint');
    const [{ n }] = (await sums('narrow')) as [{ n: number }];
    expect(n).toBeGreaterThan(0);
  });
});

it('records that a retry takes come behind those that were there', async () => {
  await breaks();
  const spec = await job('mended', (n) => n % 400 === 399, 'reject', { rejects: { action: 'quarantine' } });
  const { id, state } = await engine.run(spec);
  expect(state).toBe('completed_with_rejects');
  expect(await commits(id)).toEqual([{ generation: 0, rows: RECORDS - 7 }]);
  await mends();
  expect((await engine.retried(id)).state).toBe('completed');
  expect(await sums('mended')).toEqual(SUMS);
  expect(await commits(id)).toEqual([
    { generation: 0, rows: RECORDS - 7 },
    { generation: 1, rows: RECORDS },
  ]);
  expect(await ranges(id)).toEqual([]);
});

describe('a spec is refused', () => {
  const items = { source: { items: [{ n: 1 }] }, process: { use: 'pass' } };
  it.each([
    ['with replace', { ...items, sink: to('t', { ifExists: 'replace' }) }, 'spec.invalid'],
    ['for a file', { ...items, sink: { uri: 'out.csv', visible: 'perChunk' } }, 'spec.invalid'],
    [
      'with a step over all chunks',
      {
        ...items,
        process: { use: 'sql', with: { map: 'select 1 a', reduce: 'select * from partials' } },
        sink: to('t'),
      },
      'sink.not_per_chunk',
    ],
  ])('%s', async (_, spec, code) => {
    expect((await engine.fail(spec)).code).toBe(code);
  });
});

describe('a range', () => {
  const rowsOf = (table: string) => server.query(`select n from ${table} order by n`);
  /** Of the rows `[from, to)`, one a chunk. */
  function range(table: string, from: number, behind: number, changes: Partial<RangeLoad> = {}): RangeLoad {
    const count = behind - from;
    const text = Array.from({ length: count }, (_, n) => `${from + n}\n`).join('');
    return {
      uri: `postgres://db/${table}`,
      job: `job-${table}`,
      generation: 0,
      columns: [{ name: 'n', type: 'INTEGER' }],
      ifExists: 'error',
      from,
      to: behind,
      planned: from - (from % 4),
      pieces: [{ columns: ['n'], records: count, digest: `crc32:${from}-${behind}`, blocks: blocks(text) }],
      ends: { file: 0, at: behind * 10 },
      signal: new AbortController().signal,
      ...changes,
    };
  }
  async function* blocks(text: string, between: () => unknown = () => undefined) {
    yield Buffer.from(text.slice(0, 2));
    await between();
    yield Buffer.from(text.slice(2));
  }
  const tables = () => createTables({ db: server.url });
  const follows = (from: number) => ({ file: 0, at: from * 10 });
  const end = (table: string, rows: number, last = true) => tables().endRanges({ ...range(table, 0, 1), rows, last });

  it('whose begin was guessed waits for one that ends there', async () => {
    const behind = () => range('waiting', 4, 8, { follows: follows(4) });
    expect(await tables().loadRange(behind())).toBe(false);
    await tables().loadRange(range('waiting', 0, 4, { ends: { file: 0, at: 39 } }));
    expect(await tables().loadRange(behind())).toBe(false);
    expect(await tables().loadRange(range('waiting', 4, 8, { follows: { file: 0, at: 39 } }))).toBe(true);
    expect(await rowsOf('waiting')).toHaveLength(8);
  });

  it('that is loaded twice at once, by connections one of which is ended, is there once', async () => {
    const endBackends = () =>
      server.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace'`);
    const pieces = [{ ...range('ended', 0, 4).pieces[0]!, blocks: blocks('0\n1\n2\n3\n', endBackends) }];
    await expect(tables().loadRange(range('ended', 0, 4, { pieces }))).rejects.toMatchObject({
      code: 'postgres.unreachable',
      retryable: true,
    });
    await Promise.all([tables().loadRange(range('ended', 0, 4)), tables().loadRange(range('ended', 0, 4))]);
    expect(await rowsOf('ended')).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }]);
    expect(await end('ended', 4)).toBe(4);
  });

  it('that comes after its job has ended adds nothing', async () => {
    await tables().loadRange(range('over', 0, 4));
    await end('over', 4);
    expect(await tables().loadRange(range('over', 0, 4))).toBe(true);
    expect(await rowsOf('over')).toHaveLength(4);
    expect(await end('over', 4)).toBe(4);
  });

  it('of other rows than a former run had is refused, and with a key takes their place', async () => {
    const other = (table: string, more: Partial<RangeLoad> = {}) => {
      const pieces = [{ columns: ['n'], records: 1, digest: 'crc32:other', blocks: blocks('1\n') }];
      return range(table, 0, 2, { pieces, generation: 1, ...more });
    };
    await tables().loadRange(range('others', 0, 2));
    await expect(tables().loadRange(other('others'))).rejects.toMatchObject({ code: 'sink.appended' });
    await tables().loadRange(range('keyed', 0, 2, { upsert: ['n'] }));
    await tables().loadRange(other('keyed', { upsert: ['n'] }));
    expect(await rowsOf('keyed')).toEqual([{ n: 0 }, { n: 1 }]);
  });

  it('as it was before a retry added to it changes nothing', async () => {
    const before = (more: Partial<RangeLoad> = {}) => range('grown', 0, 2, more);
    const added = () => ({ columns: ['n'], records: 1, digest: 'crc32:added', blocks: blocks('9\n') });
    const grown = () => before({ generation: 1, pieces: [...before().pieces, added()] });
    expect(await tables().loadRange(before())).toBe(true);
    expect(await tables().loadRange(grown())).toBe(true);
    for (const upsert of [undefined, ['n']]) {
      expect(await tables().loadRange(before({ generation: 1, upsert }))).toBe(true);
      expect(await tables().loadRange(grown())).toBe(true);
    }
    expect(await rowsOf('grown')).toEqual([{ n: 0 }, { n: 1 }, { n: 9 }]);
  });

  it('finds the table filled by others, and adds nothing', async () => {
    await server.query('create table full_one as select 100 as n');
    await expect(tables().loadRange(range('full_one', 0, 4))).rejects.toMatchObject({ code: 'sink.exists' });
    expect(await tables().loadRange(range('full_one', 0, 4, { ifExists: 'append' }))).toBe(true);
  });

  it('an end that counts other rows than the ledger is refused', async () => {
    await tables().loadRange(range('miscounted', 0, 4));
    await expect(end('miscounted', 5)).rejects.toMatchObject({ code: 'sink.rows_differ' });
  });

  it('is there once whatever is loaded again, at the same time, or in halves', async () => {
    let run = 0;
    const spans: Array<[number, number]> = [[0, 4], [0, 2], [2, 4], [2, 3], [3, 4], [4, 8], [4, 6], [6, 8]]; // prettier-ignore
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...spans), fc.boolean()), { maxLength: 10 }),
        async (loads) => {
          const table = `any_${run++}`;
          let together: Array<Promise<boolean>> = [];
          for (const [[from, behind], waits] of loads) {
            together.push(tables().loadRange(range(table, from, behind)));
            if (waits) together = (await Promise.all(together), []);
          }
          await Promise.all(together);
          // What counts in the end, as the commit does it: halves, where there are any.
          const had = (...some: string[]) => loads.some(([span]) => some.includes(span.join()));
          const quarter = had('2,3', '3,4') ? [[2, 3], [3, 4]] : [[2, 4]]; // prettier-ignore
          const first = had('0,2', '2,4', '2,3', '3,4') ? [[0, 2], ...quarter] : [[0, 4]];
          const second = had('4,6', '6,8') ? [[4, 6], [6, 8]] : [[4, 8]]; // prettier-ignore
          for (const [from, behind] of [...first, ...second]) await tables().loadRange(range(table, from!, behind!));
          expect(await rowsOf(table)).toEqual(Array.from({ length: 8 }, (_, n) => ({ n })));
        },
      ),
      { numRuns: 25 },
    );
  });
});
