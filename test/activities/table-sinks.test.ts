/** Tables of a PostgreSQL server as sinks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTables } from '../../src/stores/postgres/tables.js';
import type { TableLoad } from '../../src/stores/port.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { startPostgres } from '../helpers/postgres-server.js';
import type { PostgresServer } from '../helpers/postgres-server.js';

let server: PostgresServer;
let engine: Engine;
let csv: string;
const ROWS = 5000;
beforeAll(async () => {
  server = await startPostgres();
  engine = await startEngine('table-sinks', { postgres: { db: server.url } });
  csv = await engine.write(
    'rows.csv',
    `id,name\n${Array.from({ length: ROWS }, (_, n) => `${n},"a ""${n}"",\nb"\n`).join('')}`,
  );
});
afterAll(async () => {
  await engine?.stop();
  await server?.stop();
});

const pass = { use: 'pass' };
const all = { use: 'sql', with: { map: 'select * from chunk' } };
const to = (table: string, more: object = {}) => ({ uri: `postgres://db/${table}`, ...more });
const job = (sink: object, process: object = all) => ({
  source: { uri: csv },
  process,
  sink,
  options: { chunk: { bytes: 20_000 } },
});
const items = (rows: object[], sink: object, process: object = all) => ({ source: { items: rows }, process, sink });
const sums = (table: string) =>
  server.query(`select count(*)::int n, count(distinct id)::int d, sum(id::int)::int s from ${table}`);
const SUMS = [{ n: ROWS, d: ROWS, s: ((ROWS - 1) * ROWS) / 2 }];
const commits = (id: string) => server.query('select generation, rows::int from millrace_commits where job = $1', [id]);
/** Tables beside those that were asked for. */
const leftovers = () =>
  server.query(
    `select relname from pg_class where relname like '%millrace%' and relkind = 'r' and relname <> 'millrace_commits'`,
  );

describe('a table', () => {
  it.each([
    ['SQL', all],
    ['a processor', pass],
  ])('that is not there is made of the result of %s, and of it alone', async (_, process) => {
    const table = `made_${process.use}`;
    const { id, output, chunks } = await engine.run(job(to(table), process));
    expect(chunks).toBeGreaterThan(3);
    expect(output).toMatchObject({ uri: `postgres://db/${table}`, records: ROWS });
    expect(await sums(table)).toEqual(SUMS);
    expect(await server.query(`select name from ${table} where id::int = 7`)).toEqual([{ name: 'a "7",\nb' }]);
    expect(await commits(id)).toEqual([{ generation: 0, rows: ROWS }]);
    const again = await engine.fail(job(to(table), process));
    expect(again.code).toBe('sink.exists');
    expect(await sums(table)).toEqual(SUMS);
    expect(await leftovers()).toEqual([]);
  });

  it('has the types of the result', async () => {
    const map = `select 1::int i, 2.5::decimal(9,2) d, true b, date '2024-02-29' dd, timestamp '2024-02-29 12:00:00.5' t, '' e, null::varchar n, 'x' x from chunk`;
    await engine.run(items([{ n: 1 }], to('typed'), { use: 'sql', with: { map } }));
    expect(await server.query(`select i, d::text, b, dd::text, t::text, e, n, x from typed`)).toEqual([
      { i: 1, d: '2.50', b: true, dd: '2024-02-29', t: '2024-02-29 12:00:00.5', e: '', n: null, x: 'x' },
    ]);
    const types = await server.query<{ t: string }>(
      `select format_type(atttypid, atttypmod) t from pg_attribute where attrelid = 'typed'::regclass and attnum > 0`,
    );
    expect(types.map(({ t }) => t)).toEqual([
      'integer',
      'numeric(9,2)',
      'boolean',
      'date',
      'timestamp without time zone',
      'text',
      'text',
      'text',
    ]);
  });

  it('is appended to, replaced with its grants and indexes, and filled where it is empty', async () => {
    await server.query(
      'create table kept (id int primary key, name text, note text default $$new$$); create view kept_view as select * from kept',
    );
    await engine.run(items([{ id: 1, name: 'a' }], to('kept')));
    await engine.run(items([{ id: 2, name: 'b' }], to('kept', { ifExists: 'append' })));
    expect(await server.query('select * from kept_view order by id')).toEqual([
      { id: 1, name: 'a', note: 'new' },
      { id: 2, name: 'b', note: 'new' },
    ]);
    await engine.run(items([{ id: 3, name: 'c' }], to('kept', { ifExists: 'replace' })));
    expect(await server.query('select id from kept_view')).toEqual([{ id: 3 }]);
    expect((await engine.fail(items([{ id: 4, other: 1 }], to('kept', { ifExists: 'append' })))).code).toBe(
      'sink.refused',
    );
  });

  it('is upserted by key', async () => {
    const sink = to('upserted', { upsert: 'id' });
    await engine.run(
      items(
        [
          { id: 1, v: 'a' },
          { id: 2, v: 'b' },
        ],
        sink,
      ),
    );
    await engine.run(
      items(
        [
          { id: 2, v: 'B' },
          { id: 3, v: 'c' },
        ],
        sink,
      ),
    );
    expect(await server.query('select id::int, v from upserted order by id')).toEqual([
      { id: 1, v: 'a' },
      { id: 2, v: 'B' },
      { id: 3, v: 'c' },
    ]);
  });

  it.each([
    ['a NUL byte', { id: 1, v: 'a\0b' }, 'sink.bad_value'],
    ['a value of another type', { id: 'one', v: 'x' }, 'sink.bad_value'],
    ['a null where none may be', { id: null, v: 'x' }, 'sink.constraint'],
  ])('that cannot hold %s gets no row', async (_, row, code) => {
    await server.query('create table if not exists strict (id int not null, v text)');
    const failed = await engine.fail(items([{ id: 0, v: 'good' }, row], to('strict'), pass));
    expect(failed.code).toBe(code);
    expect(await server.query('select * from strict')).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  it('from a table: there and back', async () => {
    await server.query(`create table origin (id int primary key, amount numeric(12,2), at timestamptz, raw bytea, words text[]);
      insert into origin select n, n / 100.0, now(), '\\x00ff', array['a', null] from generate_series(1, 1000) n`);
    await server.query('create table target (like origin)');
    await server.query('alter table target alter words type jsonb using null');
    const spec = {
      source: { uri: 'postgres://db/origin' },
      process: all,
      sink: to('target'),
      options: { chunk: { rows: 300 } },
    };
    await engine.run(spec);
    const differ = `select o.id from origin o full join target t using (id) where (o.amount, o.at, o.raw, to_jsonb(o.words)) is distinct from (t.amount, t.at, t.raw, t.words)`;
    expect(await server.query(differ)).toEqual([]);
  });
});

describe('the commit', () => {
  const load = (table: string, changes: Partial<TableLoad> = {}): TableLoad => ({
    uri: `postgres://db/${table}`,
    job: `job-${table}`,
    generation: 0,
    columns: [{ name: 'n', type: 'INTEGER' }],
    ifExists: 'append',
    pieces: pieces(() => undefined),
    signal: new AbortController().signal,
    ...changes,
  });
  async function* pieces(between: () => unknown) {
    yield { columns: ['n'], records: 2, blocks: blocks('1\n', between, '2\n') };
  }
  async function* blocks(first: string, between: () => unknown, second: string) {
    yield Buffer.from(first);
    await between();
    yield Buffer.from(second);
  }
  const endBackends = () =>
    server.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace'`);
  const rowsOf = (table: string) => server.query(`select n from ${table} order by n`);

  it('whose connection is ended leaves nothing, and the next one does it', async () => {
    const tables = createTables({ db: server.url });
    await server.query('create table killed (n int)');
    const ended = tables.load(load('killed', { pieces: pieces(endBackends) }));
    await expect(ended).rejects.toMatchObject({ code: 'postgres.unreachable', retryable: true });
    expect(await rowsOf('killed')).toEqual([]);
    expect(await tables.load(load('killed'))).toBe(2);
    expect(await rowsOf('killed')).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await leftovers()).toEqual([]);
  });

  it('that is done again, or twice at once, is done once', async () => {
    const tables = createTables({ db: server.url });
    await server.query('create table twice (n int)');
    // The slower of two attempts finds the other's row in the ledger.
    const slow = load('twice', { pieces: pieces(() => tables.load(load('twice'))) });
    expect(await tables.load(slow)).toBe(2);
    expect(await tables.load(load('twice'))).toBe(2);
    expect(await rowsOf('twice')).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await commits('job-twice')).toEqual([{ generation: 0, rows: 2 }]);
  });

  it('of a table that two attempts make at once is done once', async () => {
    const tables = createTables({ db: server.url });
    const both = await Promise.all([
      tables.load(load('raced', { ifExists: 'error' })),
      tables.load(load('raced', { ifExists: 'error' })),
    ]);
    expect(both).toEqual([2, 2]);
    expect(await rowsOf('raced')).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('of a run that was overtaken by a later one is refused; that one replaces the rows of the former', async () => {
    const tables = createTables({ db: server.url });
    await tables.load(load('later', { ifExists: 'error' }));
    await tables.load(load('later', { ifExists: 'error', generation: 1 }));
    expect(await rowsOf('later')).toEqual([{ n: 1 }, { n: 2 }]);
    await expect(tables.load(load('later', { ifExists: 'replace' }))).rejects.toMatchObject({
      code: 'sink.superseded',
    });
    await expect(tables.load(load('later', { generation: 2 }))).rejects.toMatchObject({ code: 'sink.appended' });
  });
});
