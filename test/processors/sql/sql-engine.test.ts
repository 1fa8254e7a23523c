import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import type { Column } from '../../../src/core/records.js';
import type { SqlOutput, SqlTable } from '../../../src/processors/engine.js';
import { createSqlEngine } from '../../../src/processors/sql/sql-engine.js';
import { COLUMNS, FLIGHT_ROW_GROUP, FLIGHTS, useEngine } from './scratch.js';

const bench = useEngine();

async function mapOnce(sql: string, table: SqlTable, output: SqlOutput = bench.output('ndjson')) {
  const map = await bench.engine.openMap(sql, output);
  const counts = await map.add(table);
  if (counts.rejected > 0) return { ...counts, text: null };
  await map.finish();
  return { ...counts, text: output.format === 'parquet' ? null : readFileSync(output.path, 'utf8') };
}

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) => `${i},n${i % 7},2020-01-0${1 + (i % 9)}\n`).join('');
const objects = (count: number) =>
  Array.from({ length: count }, (_, i) => `{"id":${i},"name":"n${i % 7}","day":"2020-01-0${1 + (i % 9)}"}\n`).join('');

describe('one statement', () => {
  it.each([
    ['select 1; select 2', 'map: wanted one SELECT statement, found 2 statements'],
    ['', 'map: wanted one SELECT statement, found none'],
    ['-- nothing', 'map: wanted one SELECT statement, found none'],
    [`copy chunk to 'x.csv'`, 'another kind'],
    [`attach 'x.db'`, 'another kind'],
    ['install httpfs', 'another kind'],
    ['load json', 'another kind'],
    ['set threads = 4', 'another kind'],
    ['set variable x = 1', 'another kind'],
    ['pragma version', 'another kind'],
    ['pragma enable_profiling', 'another kind'],
    ['pragma user_agent', 'another kind'],
    ['create table t as from chunk', 'another kind'],
    ['create temp macro m() as 1', 'another kind'],
    ['insert into chunk values (1)', 'another kind'],
    [`export database 'x'`, 'another kind'],
    ['call range(3)', 'another kind'],
    ['checkpoint', 'another kind'],
    ['explain from chunk', 'another kind'],
    ['prepare p as select 1', 'another kind'],
    ['begin', 'another kind'],
    ['pivot chunk on name using count(*)', 'another kind'],
    ['describe chunk', 'DESCRIBE, SHOW or SUMMARIZE'],
    ['show tables', 'DESCRIBE, SHOW or SUMMARIZE'],
  ])('refuses %j', async (sql, message) => {
    await expect(bench.engine.openMap(sql, bench.output('csv'))).rejects.toMatchObject({
      code: 'sql.not_a_select',
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    [`from read_text('/etc/passwd')`, 'the table function "read_text" is not available'],
    [`select (select count(*) from glob('/*'))`, '"glob"'],
    [`with a as (from read_csv('x')) from a`, '"read_csv"'],
    [`from chunk where exists (from read_parquet('x'))`, '"read_parquet"'],
    [`from query('from read_text(''x'')')`, '"query"'],
    [`from query_table('chunk')`, '"query_table"'],
    [`from enable_logging()`, '"enable_logging"'],
    [`from duckdb_settings()`, '"duckdb_settings"'],
    [`from arrow_scan(0, 0, 0)`, '"arrow_scan"'],
    [`from '/etc/passwd'`, 'there is no table "/etc/passwd"'],
    [`from chunk, 'slice-0'`, 'there is no table "slice-0"'],
    ['from duckdb_logs', 'there is no table "duckdb_logs"'],
    ['from information_schema.tables', 'there is no table "information_schema.tables"'],
    ['from partials', 'there is no table "partials"; the statement reads "chunk"'],
    [`select write_log('x')`, 'the function "write_log"'],
    [`select current_setting('temp_directory')`, 'the function "current_setting"'],
    ['select $1 from chunk', 'the parameter "$1" has no value'],
    ['selec 1', 'syntax error at or near "selec"'],
    ["select 1) to 'x'; copy (select 2", 'syntax error'],
    ['select 1; -- done', 'something stands behind the end of the statement'],
  ])('refuses %j inside a SELECT', async (sql, message) => {
    await expect(bench.engine.openMap(sql, bench.output('csv'))).rejects.toMatchObject({
      code: 'sql.invalid',
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    'select id from chunk;',
    'from chunk select id',
    'with a as (from chunk), b as (from a) select id from b -- done',
    '(select id from chunk)',
    'select id from CHUNK, range(1)',
    "select id from (pivot chunk on name in ('x') using count(*) group by id)",
    'with recursive r(i) as (select 1 union all select i + 1 from r where i < 1) select id from chunk, r',
  ])('takes %j', async (sql) => {
    expect((await mapOnce(sql, bench.csv('1,x,\n'))).text).toContain('{"id":1');
  });
});

describe('CSV chunks', () => {
  it('reads quoted line ends, tells an empty string from null, and writes both so', async () => {
    const table = bench.csv('1,"two\nlines",2020-01-02\n2,"",\n3,"a ""b"", c",2020-01-03\n4,,\n');
    const { text, recordsIn, recordsOut } = await mapOnce('from chunk', table, bench.output('csv'));
    expect(text).toBe('id,name,day\n1,"two\nlines",2020-01-02\n2,"",\n3,"a ""b"", c",2020-01-03\n4,,\n');
    expect([recordsIn, recordsOut]).toEqual([4, 4]);
  });

  it('has the pinned types', async () => {
    const columns: Column[] = (['int', 'float', 'bool', 'date', 'timestamp', 'string', 'json'] as const).map(
      (type) => ({ name: type, type }),
    );
    const table = bench.csv('9007199254740993,1.5,true,2020-01-02,2020-01-02T03:04:05,x,"{""a"":[1]}"\n', columns);
    expect(
      (await mapOnce('select int, float, bool, date, timestamp, string, json.a[0] as j from chunk', table)).text,
    ).toBe(
      '{"int":9007199254740993,"float":1.5,"bool":true,"date":"2020-01-02","timestamp":"2020-01-02 03:04:05","string":"x","j":1}\n',
    );
    const map = await bench.engine.openMap('from chunk', bench.output('csv'));
    await map.add(table);
    expect((await map.finish()).columns.map(({ type }) => type)).toEqual([
      'BIGINT',
      'DOUBLE',
      'BOOLEAN',
      'DATE',
      'TIMESTAMP',
      'VARCHAR',
      'JSON',
    ]);
  });

  it('takes the wall clock of a timestamp and drops its offset', async () => {
    const table = bench.csv('2020-01-02T03:04:05+02:00\n', [{ name: 't', type: 'timestamp' }]);
    expect((await mapOnce('from chunk', table)).text).toBe('{"t":"2020-01-02 03:04:05"}\n');
  });

  it('reads other dialects', async () => {
    const table: SqlTable = {
      ...bench.csv(
        `1;'a;b';NULL\n2;'NULL';\n`,
        COLUMNS.map((c) => ({ ...c, type: 'string' })),
      ),
      delimiter: ';',
      quote: `'`,
      nullValues: ['NULL'],
    };
    expect((await mapOnce('from chunk', table)).text).toBe(
      '{"id":"1","name":"a;b","day":null}\n{"id":"2","name":"NULL","day":""}\n',
    );
  });

  it('has no nulls where there are no null values', async () => {
    const table: SqlTable = {
      ...bench.csv(
        'a,,b\n',
        COLUMNS.map((c) => ({ ...c, type: 'string' })),
      ),
      nullValues: [],
    };
    expect((await mapOnce('from chunk', table)).text).toBe('{"id":"a","name":"","day":"b"}\n');
  });

  it.each([
    ['CRLF', '1,x,\r\n2,y,\r\n', 2],
    ['LF with a carriage return within quotes', '1,"x\r\ny",\n2,y,\n', 2],
    ['no last line end', '1,x,\n2,y,', 2],
    ['one long record', `1,${'x'.repeat(5_000_000)},\n2,y,\n`, 2],
    ['nothing', '', 0],
  ])('reads %s', async (_, text, count) => {
    expect(await mapOnce('select count(*) n from chunk', bench.csv(text))).toMatchObject({
      recordsIn: count,
      text: `{"n":${count}}\n`,
      rejected: 0,
    });
  });

  it.each([
    ['a value that does not fit', '1,x,\nz,y,\n'],
    ['too many fields', '1,x,\n2,y,,9\n'],
    ['too few fields', '1,x,\n2,y\n'],
    ['text behind a closing quote', '1,x,\n2,"y"z,\n'],
    ['a quote that is never closed', '1,x,\n2,"y,\n'],
    ['mixed line ends', '1,x,2020-01-01\n2,y,2020-01-02\r\n3,z,2020-01-03\n'],
    ['bytes that are no UTF-8', Buffer.from('1,\xff\xfe,\n', 'latin1')],
    ['a record above 8 MiB', `1,${'x'.repeat(9_000_000)},\n2,y,\n`],
  ])('reports %s and publishes nothing', async (_, text) => {
    const output = bench.output('csv');
    const result = await mapOnce('from chunk', bench.csv(text), output);
    expect(result.rejected).toBeGreaterThan(0);
    expect(result).toMatchObject({ recordsIn: 0, recordsOut: 0 });
    expect(readdirSync(bench.folder).filter((name) => bench.path(name).startsWith(output.path))).toEqual([]);
  });

  it('goes on with the normalised chunk after a refused one', async () => {
    const output = bench.output('csv');
    const map = await bench.engine.openMap('select id from chunk', output);
    await map.add(bench.csv('1,a,\n'));
    expect((await map.add(bench.csv('2,b,\nz,c,\n'))).rejected).toBe(1);
    expect((await map.add(bench.csv('2,b,\n'))).rejected).toBe(0);
    await map.add(bench.csv('3,c,\n'));
    expect((await map.finish()).records).toBe(3);
    expect(readFileSync(output.path, 'utf8')).toBe('id\n1\n2\n3\n');
  });
});

describe('NDJSON chunks', () => {
  it('reads the pinned columns and keeps nested values', async () => {
    const table = bench.ndjson('{"id":1,"x":{"k":[1,2]},"other":9}\n\n{"x":null,"id":null}\r\n', [
      COLUMNS[0]!,
      { name: 'x', type: 'json' },
    ]);
    expect(await mapOnce('from chunk', table)).toMatchObject({
      recordsIn: 2,
      text: '{"id":1,"x":{"k":[1,2]}}\n{"id":null,"x":null}\n',
    });
  });

  it.each([
    ['a value that does not fit', '{"id":"z"}\n'],
    ['half an object', '{"id":1}\n{"id":\n'],
    ['an array', '[1]\n'],
    ['two objects in a line', '{"id":1}{"id":2}\n'],
    ['a repeated key', '{"id":1,"id":2}\n'],
  ])('reports %s', async (_, text) => {
    expect((await mapOnce('from chunk', bench.ndjson(text))).rejected).toBe(1);
  });

  it('does not take a fault of the statement for one of the reader', async () => {
    await expect(
      mapOnce(`select json_extract('{', '$.a') from chunk`, bench.ndjson('{"id":1}\n')),
    ).rejects.toMatchObject({ code: 'sql.failed' });
  });
});

describe('recordsIn is the number of records in the chunk, whatever the statement does', () => {
  const statements = [
    'from chunk',
    'select name, count(*) from chunk group by name',
    'select count(*) from chunk',
    'from chunk where id = 3',
    'from chunk where id < 0',
    'from chunk where false',
    'from chunk limit 1',
    'from chunk limit 0',
    'from chunk limit 5 offset 100',
    'from chunk limit 50%',
    'from chunk limit (select 3)',
    'from chunk order by id desc limit 3',
    'select 1',
    'select distinct name from chunk',
    'select id, (select max(id) from chunk) from chunk',
    'select a.id from chunk a join chunk b using (id)',
    'from chunk semi join (select 1 as id where false) using (id)',
    'from chunk join (select unnest([]::bigint[]) as id) using (id)',
    'select a.id from chunk a join chunk b on a.id < b.id where b.id < 3',
    'from chunk a anti join (select id from chunk limit 10) using (id)',
    'from chunk positional join (from range(3))',
    'with x as materialized (from chunk) select count(*) from x',
    'with x as materialized (from chunk) from x limit 1',
    'with x as (from chunk) select id from x union all select -id from x',
    'from chunk union all from chunk',
    '(from chunk limit 1) union all from chunk',
    '(from chunk limit 1) union (from chunk limit 2)',
    'from chunk except from chunk',
    'from chunk using sample 10%',
    'from chunk tablesample reservoir(5 rows)',
    'select *, row_number() over () from chunk',
    'select *, rank() over (partition by name order by id) r from chunk',
    'from chunk qualify row_number() over (partition by name order by id) = 1',
    'select unnest([id, id]) from chunk',
    'from chunk where exists (select 1 from chunk limit 1)',
    'from chunk where id in (select unnest([1, 2]))',
    'from chunk c where exists (from chunk d where d.id = c.id + 1)',
    'select id, (select count(*) from chunk d where d.id < c.id) from chunk c where id < 10',
    'select first(id), min(id), any_value(name) from chunk',
    'with recursive r(i) as (select 0 union all select i + 1 from r where i < 3) select i, id from r, chunk',
    'select name, id from chunk group by grouping sets ((name), (id), ())',
    `select * from (pivot chunk on name in ('n1', 'n2') using count(*))`,
    'select r.range from range(3) r left join chunk on r.range = chunk.id limit 2',
  ];

  it.each(statements)('%s', async (sql) => {
    const count = 10_000;
    for (const table of [bench.csv(lines(count)), bench.ndjson(objects(count))]) {
      const result = await mapOnce(sql, table);
      expect(result).toMatchObject({ recordsIn: count, rejected: 0 });
      expect(result.recordsOut).toBe(result.text!.split('\n').length - 1);
    }
    const parquet: SqlTable = { kind: 'parquet', paths: [bench.path('rows.parquet')] };
    if (!existsSync(parquet.paths[0]!))
      await mapOnce('from chunk', bench.csv(lines(count)), { path: parquet.paths[0]!, format: 'parquet' });
    expect((await mapOnce(sql, parquet)).recordsIn).toBe(count);
  });
});

describe('several chunks into one output', () => {
  it.each(['csv', 'ndjson', 'parquet'] as const)('appends %s results in the order of the chunks', async (format) => {
    const output = bench.output(format);
    const map = await bench.engine.openMap('select id, id % 2 = 0 as even from chunk', output);
    for (const text of ['1,a,\n2,b,\n', '', '3,c,\n']) await map.add(bench.csv(text));
    const part = await map.finish();
    expect(part).toMatchObject({
      records: 3,
      columns: [
        { name: 'id', type: 'BIGINT' },
        { name: 'even', type: 'BOOLEAN' },
      ],
    });
    if (format === 'csv') expect(readFileSync(output.path, 'utf8')).toBe('id,even\n1,false\n2,true\n3,false\n');
    else if (format === 'ndjson')
      expect(readFileSync(output.path, 'utf8')).toBe(
        '{"id":1,"even":false}\n{"id":2,"even":true}\n{"id":3,"even":false}\n',
      );
    const text = bench.output('csv', false);
    if (format !== 'parquet') return;
    await bench.engine.reduce([output.path], 'from partials', text);
    expect(readFileSync(text.path, 'utf8')).toBe('1,false\n2,true\n3,false\n');
  });

  it('writes no header where none is wanted', async () => {
    expect((await mapOnce('select id from chunk', bench.csv('1,a,\n'), bench.output('csv', false))).text).toBe('1\n');
  });

  it('leaves nothing behind when it is discarded', async () => {
    const output = bench.output('parquet');
    const map = await bench.engine.openMap('from chunk', output);
    await map.add(bench.csv('1,a,\n'));
    await map.discard();
    expect(readdirSync(bench.folder).filter((name) => bench.path(name).startsWith(output.path))).toEqual([]);
  });
});

describe('Parquet chunks', () => {
  it('reads exactly the rows of the chunk, from a file outside of the scratch folder', async () => {
    const table: SqlTable = {
      kind: 'parquet',
      paths: [FLIGHTS],
      firstRow: 5 * FLIGHT_ROW_GROUP,
      endRow: 6 * FLIGHT_ROW_GROUP,
    };
    const output = bench.output('ndjson');
    const result = await mapOnce('select count(*) n, count(distinct columns(*)) > 1 from chunk', table, output);
    expect(result).toMatchObject({ recordsIn: FLIGHT_ROW_GROUP, recordsOut: 1 });
    expect(Object.keys(JSON.parse(result.text!) as object)).toHaveLength(6);
  });

  it('gives the statement no way to other files beside the one that is read', async () => {
    writeFileSync(bench.path('other.csv'), 'a\n1\n');
    await expect(
      mapOnce(`from '${bench.path('other.csv')}'`, { kind: 'parquet', paths: [FLIGHTS] }),
    ).rejects.toMatchObject({ code: 'sql.invalid' });
  });
});

describe('reduce', () => {
  it('gives over chunks what DuckDB gives over the whole file', async () => {
    const partials: string[] = [];
    for (let group = 0; group < 11; group += 4) {
      const output = bench.output('parquet');
      const map = await bench.engine.openMap(
        'select origin, count(*) n, sum(delay) d from chunk group by origin',
        output,
      );
      for (let nth = group; nth < Math.min(group + 4, 11); nth++) {
        const endRow = nth === 10 ? 3_000_000 : (nth + 1) * FLIGHT_ROW_GROUP;
        await map.add({ kind: 'parquet', paths: [FLIGHTS], firstRow: nth * FLIGHT_ROW_GROUP, endRow });
      }
      await map.finish();
      partials.push(output.path);
    }
    const output = bench.output('csv');
    const part = await bench.engine.reduce(
      partials,
      'select origin, sum(n) n, sum(d) d from partials group by origin order by origin',
      output,
    );
    const whole = bench.path('whole.csv');
    const plain = await DuckDBInstance.create();
    const connection = await plain.connect();
    await connection.run(
      `copy (select origin, count(*) n, sum(delay) d from '${FLIGHTS}' group by origin order by origin) to '${whole}'`,
    );
    connection.disconnectSync();
    expect(readFileSync(output.path, 'utf8')).toBe(readFileSync(whole, 'utf8'));
    expect(part.records).toBe(readFileSync(whole, 'utf8').split('\n').length - 2);
    expect(part.bytes).toBe(readFileSync(whole).length);
  });

  it('keeps sums of integers exact on their way through Parquet', async () => {
    const output = bench.output('parquet');
    await mapOnce('select sum(id) s from chunk', bench.csv('9007199254740993,a,\n'), output);
    const result = bench.output('csv', false);
    expect((await bench.engine.reduce([output.path], 'select sum(s) + 2 from partials', result)).columns[0]!.type).toBe(
      'HUGEINT',
    );
    expect(readFileSync(result.path, 'utf8')).toBe('9007199254740995\n');
  });

  it('fails rather than round a sum that leaves 64 bits', async () => {
    const two = bench.csv('9223372036854775807,a,\n9223372036854775807,b,\n');
    await expect(mapOnce('select sum(id) s from chunk', two, bench.output('parquet'))).rejects.toMatchObject({
      code: 'sql.failed',
    });
  });

  it('reads partials and nothing else', async () => {
    await expect(bench.engine.reduce([FLIGHTS], 'from chunk', bench.output('csv'))).rejects.toMatchObject({
      message: expect.stringContaining('the statement reads "partials"') as string,
    });
  });
});

describe('nothing of one statement is seen by the next', () => {
  it('has no table, view, variable or macro of an earlier call', async () => {
    await mapOnce('from chunk', bench.csv('1,a,\n'));
    await bench.engine.reduce([FLIGHTS], 'select 1 from partials limit 1', bench.output('csv'));
    const jailed = bench.csv('2,b,\n');
    expect((await mapOnce('select id from chunk', jailed)).text).toBe('{"id":2}\n');
    await expect(mapOnce('from reject_errors', jailed)).rejects.toMatchObject({ code: 'sql.invalid' });
    await expect(mapOnce('from partials', jailed)).rejects.toMatchObject({ code: 'sql.invalid' });
  });

  it('works after a statement that failed', async () => {
    await expect(mapOnce(`select error('stop here') from chunk`, bench.csv('1,a,\n'))).rejects.toMatchObject({
      code: 'sql.failed',
      message: 'map: stop here',
      retryable: false,
    });
    await expect(mapOnce('select name::int from chunk', bench.csv('1,a,\n'))).rejects.toMatchObject({
      code: 'sql.failed',
      message: expect.stringContaining(`'a'`) as string,
    });
    expect((await mapOnce('select id from chunk', bench.csv('2,b,\n'))).text).toBe('{"id":2}\n');
  });
});

describe('check', () => {
  it('tells the columns of each step, with the types that partials keep', async () => {
    const checked = await bench.engine.check({
      columns: COLUMNS,
      map: 'select name, count(*) n, sum(id) s from chunk group by name',
      reduce: 'select name, sum(n) n, sum(s) / sum(n) mean from partials group by name',
    });
    expect(checked.reduce).toEqual([
      { name: 'name', type: 'VARCHAR' },
      { name: 'n', type: 'HUGEINT' },
      { name: 'mean', type: 'DOUBLE' },
    ]);
    expect(checked.map!.map(({ name }) => name)).toEqual(['name', 'n', 's']);
  });

  it('takes the columns of a Parquet file, and partials that are the chunks themselves', async () => {
    const checked = await bench.engine.check({
      columns: { parquet: FLIGHTS },
      reduce: 'select max(date) d, max(delay) from partials',
    });
    expect(checked).toEqual({
      reduce: [
        { name: 'd', type: 'TIMESTAMP' },
        { name: 'max(delay)', type: 'BIGINT' },
      ],
    });
  });

  it.each([
    [
      { map: 'select nam from chunk' },
      /^map: Referenced column "nam" not found in FROM clause.*; the columns of "chunk" are "id", "name", "day"$/,
    ],
    [{ map: 'select c.nam from chunk c' }, /^map: .*"nam".*; the columns of "chunk" are "id", "name", "day"$/],
    [{ map: 'select id + day from chunk group by all having' }, /^map: syntax error/],
    [{ map: 'select name - 1 from chunk' }, /^map: .*No function matches|^map: /],
    [{ map: 'select id as a, name as A from chunk' }, /^map: two columns of the result are named "A"/],
    [
      { map: 'select id n from chunk', reduce: 'select sum(id) from partials' },
      /^reduce: .*"id".*; the columns of "partials" are "n"$/,
    ],
    [{ map: 'select sumx(id) from chunk' }, /^map: Scalar Function with name sumx does not exist/],
  ])('names the statement that is wrong: %j', async (statements, message) => {
    await expect(bench.engine.check({ columns: COLUMNS, ...statements })).rejects.toMatchObject({
      code: expect.stringMatching(/^sql\./) as string,
      message: expect.stringMatching(message) as string,
    });
  });

  it('leaves no file behind', async () => {
    await bench.engine.check({ columns: COLUMNS, map: 'from chunk', reduce: 'from partials' });
    expect(readdirSync(bench.folder).filter((name) => name.startsWith('check'))).toEqual([]);
  });
});

describe('cancellation and limits', () => {
  const endless = 'select sum(hash(a.range, b.range)) from chunk, range(1000000) a, range(1000000) b';

  it('stops a running query within a second', async () => {
    const abort = new AbortController();
    const map = await bench.engine.openMap(endless, bench.output('csv'), abort.signal);
    const running = map.add(bench.csv('1,a,\n'));
    setTimeout(() => abort.abort(), 200);
    const start = performance.now();
    await expect(running).rejects.toMatchObject({ code: 'job.cancelled' });
    expect(performance.now() - start).toBeLessThan(1_000);
    expect((await mapOnce('select id from chunk', bench.csv('2,b,\n'))).text).toBe('{"id":2}\n');
  });

  it('starts nothing after it was cancelled', async () => {
    await expect(bench.engine.openMap('from chunk', bench.output('csv'), AbortSignal.abort())).rejects.toMatchObject({
      code: 'job.cancelled',
    });
  });

  it('tells that the memory was not enough', async () => {
    await expect(mapOnce('select length(list(range)) from range(200000000)', bench.csv(''))).rejects.toMatchObject({
      code: 'sql.out_of_memory',
      retryable: false,
    });
    expect((await mapOnce('select id from chunk', bench.csv('2,b,\n'))).text).toBe('{"id":2}\n');
  });

  it('spills to its scratch folder what does not fit into memory', async () => {
    const small = await createSqlEngine({ scratch: bench.folder, memoryBytes: 64 * 1024 * 1024 });
    const output = bench.output('csv', false);
    await small.reduce(
      [FLIGHTS],
      'select count(*) from (from partials order by origin, destination, delay, date limit 2900000)',
      output,
    );
    small.close();
    expect(readFileSync(output.path, 'utf8')).toBe('2900000\n');
  });

  it('outlives the end of another thread that holds an idle engine', async () => {
    const worker = new Worker(
      `const { DuckDBInstance } = require('@duckdb/node-api');
       DuckDBInstance.create().then(async (i) => { globalThis.kept = await i.connect(); await kept.run('select 42'); require('node:worker_threads').parentPort.postMessage('idle'); setInterval(() => 0, 1000); });`,
      { eval: true },
    );
    await new Promise((resolve) => worker.once('message', resolve));
    expect(await worker.terminate()).toBe(1);
    expect((await mapOnce('select id from chunk', bench.csv('2,b,\n'))).text).toBe('{"id":2}\n');
  });
});
