/** Tables and queries of a PostgreSQL server as sources. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keys } from '../../src/core/receipt.js';
import { createTables } from '../../src/stores/postgres/tables.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { PASSWORD, startPostgres } from '../helpers/postgres-server.js';
import type { PostgresServer } from '../helpers/postgres-server.js';

let server: PostgresServer;
let engine: Engine;
beforeAll(async () => {
  server = await startPostgres();
  const away = 'postgres://nobody:secret@127.0.0.1:1/x';
  const denied = server.url.replace(PASSWORD, 'wrong');
  engine = await startEngine('tables', { postgres: { db: server.url, away, denied } });
});
afterAll(async () => {
  await engine?.stop();
  await server?.stop();
});

const pass = { use: 'pass' };
const all = { use: 'sql', with: { map: 'select * from chunk' } };
const count = {
  use: 'sql',
  with: { map: 'select count(*) n from chunk', reduce: 'select sum(n)::int n from partials' },
};
const numbers = (table: string, rows: number, extra = '') =>
  server.query(
    `create table ${table} (id int ${extra}, text text); insert into ${table} select n, repeat('x', 1000) from generate_series(1, ${rows}) n; analyze ${table}`,
  );

describe('a table', () => {
  it('gives each type as documented', async () => {
    await server.query(`create table types (b bool, i2 int2, i8 int8, f8 float8, n numeric(12,3), u numeric, d date, t timestamp, tz timestamptz,
        bytes bytea, j jsonb, id uuid, words text[], txt text, empty text, nothing text, one varchar(9));
      insert into types values (true, -3, 9007199254740991, 0.1, 123456789.125, 12345678901234567890.123456789, '2024-02-29', '2024-02-29 23:59:59.123456',
        '2024-02-29 23:59:59+02', '\\xdeadbeef', '{"a": [1, null]}', 'b6d0f1d4-0d4c-4b52-8a3e-3f4b6e2a4f11', '{a,"b,c"}', E'a "b"\\n\\\\N,', '', null, E'\\\\N')`);
    const { rows } = await engine.run({ source: { uri: 'postgres://db/types' }, process: pass });
    expect(rows).toEqual([
      {
        b: true,
        i2: -3,
        i8: 9007199254740991,
        f8: 0.1,
        n: 123456789.125,
        u: '12345678901234567890.123456789',
        d: '2024-02-29',
        t: '2024-02-29 23:59:59.123456',
        tz: '2024-02-29 21:59:59',
        bytes: '\\xdeadbeef',
        j: '{"a": [1, null]}',
        id: 'b6d0f1d4-0d4c-4b52-8a3e-3f4b6e2a4f11',
        words: '["a","b,c"]',
        txt: 'a "b"\n\\N,',
        empty: '',
        nothing: null,
        one: '\\N',
      },
    ]);
  });

  it.each([
    ['an infinite date', `select 'infinity'::date d`],
    ['no number', `select 'NaN'::numeric(5,2) n`],
  ])('whose value no file holds (%s) fails by name', async (_, query) => {
    const failed = await engine.fail({ source: { uri: 'postgres://db', query }, process: all });
    expect(failed.code).toBe('source.bad_value');
  });

  it('has chunks of exactly so many rows, and leaves no copy behind', async () => {
    await numbers('exact', 1000, 'primary key');
    const { id, counts, receipts, chunks } = await engine.run({
      source: { uri: 'postgres://db/public.exact' },
      process: pass,
      options: { chunk: { rows: 300 } },
    });
    expect([counts.in, chunks]).toEqual([1000, 4]);
    expect(receipts.map(({ counts: { used } }) => used)).toEqual([300, 300, 300, 100]);
    expect((await engine.workOf(id)).filter((key) => key.startsWith('source/'))).toEqual([]);
  });

  it.each([
    ['a number', 'a_number', 'id int primary key', 'n'],
    ['text', 'a_text', `id text collate "C" primary key`, `'k' || (n * 7919 % 100000)`],
    ['nothing: by its blocks', 'a_heap', 'id int', 'n % 10'],
  ])('is split by %s, each row once', async (_, name, column, value) => {
    await server.query(`create table ${name} (${column}, text text);
      insert into ${name} select ${value}, repeat('x', 1800) from generate_series(1, 40000) n; analyze ${name}`);
    const tables = createTables({ db: server.url });
    const shape = await tables.look({ uri: `postgres://db/${name}` });
    expect(shape).toMatchObject({ split: column.includes('primary') ? 'key' : 'blocks', ranges: 3 });
    const { rows } = await engine.run({ source: { uri: `postgres://db/${name}` }, process: count });
    expect(rows).toEqual([{ n: 40000 }]);
  });

  it('is split by a composite key, and by one that may be null', async () => {
    await server.query(`create table pairs (a int, b text, text text, primary key (a, b));
      insert into pairs select n % 3, 'b' || n, repeat('x', 1800) from generate_series(1, 40000) n; analyze pairs;
      create table gaps (a int, b int, text text);
      insert into gaps select nullif(n % 5, 0), nullif(n % 7, 0), repeat('x', 1800) from generate_series(1, 40000) n; analyze gaps`);
    expect((await engine.run({ source: { uri: 'postgres://db/pairs' }, process: count })).rows).toEqual([{ n: 40000 }]);
    const source = { uri: 'postgres://db/gaps', key: ['a', 'b'] };
    const { rows, counts } = await engine.run({ source, process: count });
    expect([rows, counts.in]).toEqual([[{ n: 40000 }], 40000]);
  });

  it('is read as of one moment while others write', async () => {
    await server.query(`create table accounts (id int primary key, amount int, text text);
      insert into accounts select n, 100, repeat('x', 1800) from generate_series(1, 40000) n; analyze accounts`);
    let writing = true;
    let moves = 0;
    const writer = (async () => {
      // Moves money from one end of the key to the other, and adds rows: a reader of two moments would see it.
      for (let n = 1; writing; n++) {
        await server.query(`begin; update accounts set amount = amount - 1 where id = ${1 + (n % 1000)};
          update accounts set amount = amount + 1 where id = ${40000 - (n % 1000)}; commit`);
        moves++;
      }
    })();
    const sum = {
      use: 'sql',
      with: {
        map: 'select sum(amount) s, count(*) n from chunk',
        reduce: 'select sum(s)::int s, sum(n)::int n from partials',
      },
    };
    const { rows } = await engine.run({ source: { uri: 'postgres://db/accounts' }, process: sum });
    writing = false;
    await writer;
    expect(rows).toEqual([{ s: 4_000_000, n: 40000 }]);
    expect(moves).toBeGreaterThan(0);
  });
});

describe('the moment', () => {
  it('that is lost is an error worth another try', async () => {
    await numbers('held', 10);
    const tables = createTables({ db: server.url });
    const ref = { uri: 'postgres://db/held' };
    const lost = tables.underSnapshot(ref, async ({ ranges }) => {
      await server.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace' and state = 'idle in transaction'`,
      );
      await expect
        .poll(() =>
          tables.copyRange(ranges[0]!, engine.at('held.csv')).then(
            () => 'copied',
            (error: { code: string }) => error.code,
          ),
        )
        .toBe('source.snapshot_lost');
      return tables.copyRange(ranges[0]!, engine.at('held.csv'));
    });
    await expect(lost).rejects.toMatchObject({ code: 'source.snapshot_lost', retryable: true });
  });

  it('is another one where its holder was killed before the copy was whole', async () => {
    await server.query(`create table slow (id int primary key); insert into slow select generate_series(1, 200)`);
    const query = `select id, pg_sleep(0.02)::text as pause from slow`;
    const { id, handle } = await engine.start({ source: { uri: 'postgres://db', query }, process: count });
    const active = `from pg_stat_activity where application_name = 'millrace'`;
    await expect
      .poll(() => server.query(`select 1 ${active} and query like 'copy%' and state = 'active'`))
      .toHaveLength(1);
    await server.query(`select pg_terminate_backend(pid) ${active}`);
    await handle.result();
    expect((await engine.finish(id)).rows).toEqual([{ n: 200 }]);
    expect((await engine.workOf(id)).filter((key) => key.startsWith('source/'))).toEqual([]);
  });
});

describe('a query', () => {
  it('is a source, split by the key it is given', async () => {
    await numbers('queried', 40000, 'primary key');
    const source = {
      uri: 'postgres://db',
      query: `select id % 100 as k, text || 'y' as text from queried -- note`,
      key: 'k',
    };
    const { rows } = await engine.run({ source, process: count });
    expect(rows).toEqual([{ n: 40000 }]);
  });

  it('is one statement and writes nothing', async () => {
    const run = async (query: string) =>
      (await engine.fail({ source: { uri: 'postgres://db', query }, process: count })).code;
    expect(await run('select 1) q; drop table queried; select * from (select 1')).toBe('source.query_failed');
    expect(await run(`with gone as (delete from queried returning 1) select * from gone`)).toBe('source.query_failed');
    expect(await run('select nothing from queried')).toBe('source.query_failed');
    expect(await server.query('select count(*)::int n from queried')).toEqual([{ n: 40000 }]);
  });
});

describe('what is wrong', () => {
  it.each([
    ['postgres://db/no_such', 'source.not_found'],
    ['postgres://other/t', 'connection.unknown'],
    ['postgres://denied/t', 'postgres.denied'],
    ['postgres://user:hunter2@host/t', 'source.secret_in_uri'],
  ])('%s is %s', async (uri, code) => {
    const failed = await engine.fail({ source: { uri }, process: pass });
    expect(failed.code).toBe(code);
    for (const secret of [PASSWORD, 'hunter2', 'wrong@']) expect(failed.message).not.toContain(secret);
  });

  it('a server that is away is worth another try', async () => {
    const tables = createTables(engine.config.postgres!);
    const looked = tables.look({ uri: 'postgres://away/t' });
    await expect(looked).rejects.toMatchObject({ code: 'postgres.unreachable', retryable: true });
    await expect(looked).rejects.not.toThrow('secret');
  });

  it('no history holds the password', async () => {
    const { id } = await engine.run({ source: { uri: 'postgres://db/held' }, process: pass });
    const history = JSON.stringify(await engine.client.workflow.getHandle(id).fetchHistory());
    expect(history).toContain('copySource');
    const decoded = history.replace(/"([A-Za-z0-9+/=]{16,})"/g, (_, text: string) =>
      Buffer.from(text, 'base64').toString(),
    );
    for (const text of [history, decoded]) expect(text).not.toContain(PASSWORD);
    expect(keys.copies(id)).toBe(`${id}/source/`);
  });
});
