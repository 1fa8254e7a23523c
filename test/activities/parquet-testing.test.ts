/** The Parquet files that the Apache project tests its readers with, through a processor and through SQL. */
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce } from '../../src/core/at-once.js';
import { failureOf } from '../../src/temporal/failures.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

const FOLDER = fileURLToPath(new URL('../fixtures/parquet-testing', import.meta.url));
const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.parquet')).sort();
const PROCESSES = { processor: { use: 'pass' }, sql: { use: 'sql', with: { map: 'from chunk' } } };

/** Where the two show a value in different ways. */
const DIFFER: Record<string, string> = {
  'data_binary.parquet': 'bytes that do not say that they are text: as text where they can be, as SQL shows bytes else',
  'data_int96_from_spark.parquet': 'the year 290000, which neither holds',
  'data_nullable.impala.parquet': 'a map with a key twice, of which an object holds the last',
  'data_repeated_primitive_no_list.parquet': 'a repeated field without values is null, or an empty list',
  'data_geospatial_*': 'shapes are GeoJSON, or WKT',
};

/** Where one of them reads what is broken. */
const REFUSED_BY_PROCESSORS: Record<string, string> = {
  'bad_data_ARROW-GH-45185.parquet': 'repetition levels that begin within a list',
  'bad_data_ARROW-RS-GH-6229-LEVELS.parquet': 'more values than levels',
  'data_nation.dict-malformed.parquet': 'a dictionary whose length is wrong',
};

const REFUSED: Record<string, string> = {
  'bad_data_ARROW-GH-41317.parquet': 'source.corrupt_parquet',
  'bad_data_ARROW-GH-47662.parquet': 'source.corrupt_parquet',
  'bad_data_ARROW-RS-GH-6229-DICTHEADER.parquet': 'source.corrupt_parquet',
  'bad_data_PARQUET-1481.parquet': 'source.corrupt_parquet',
  'encrypted-columns.parquet': 'source.encrypted',
  'encrypted-footer.parquet': 'source.encrypted',
};

type Outcome = { rows: unknown[] } | { code: string };

let engine: Engine;
let outcomes: Map<string, { processor: Outcome; sql: Outcome }>;
beforeAll(async () => {
  engine = await startEngine('parquet-testing');
  const ran = await atOnce(4, files, async (name) => {
    const uri = await engine.write(name, await readFile(path.join(FOLDER, name)));
    return { processor: await outcome(uri, 'processor'), sql: await outcome(uri, 'sql') };
  });
  outcomes = new Map(files.map((name, i) => [name, ran[i]!]));
}, 120_000);
afterAll(() => engine.stop());

async function outcome(uri: string, by: keyof typeof PROCESSES): Promise<Outcome> {
  const sink = `${path.basename(uri)}-${by}.ndjson`;
  try {
    const options = { retry: { attempts: 1 } };
    await engine.run({ source: { uri }, process: PROCESSES[by], sink: { uri: engine.at(sink) }, options });
  } catch (error) {
    return { code: failureOf(error).code };
  }
  const lines = (await engine.read(sink)).split('\n').filter((line) => line !== '');
  // The JSON of JavaScript knows no negative zero.
  const positive = (_: string, value: unknown) => (value === 0 ? 0 : value);
  return { rows: lines.map((line) => JSON.parse(line, positive) as unknown) };
}

const listed = (list: Record<string, string>, name: string) =>
  Object.keys(list).find((key) => key === name || (key.endsWith('*') && name.startsWith(key.slice(0, -1))));
const same = files.filter((name) => ![DIFFER, REFUSED_BY_PROCESSORS, REFUSED].some((list) => listed(list, name)));
const countOf = (one: Outcome) => ('rows' in one ? one.rows.length : one.code);

describe('a file of parquet-testing', () => {
  it.each(same)('%s is read, by both alike', (name) => {
    const { processor, sql } = outcomes.get(name)!;
    expect(processor).toEqual({ rows: expect.any(Array) as unknown[] });
    expect(processor).toEqual(sql);
  });

  it.each(files.filter((name) => listed(DIFFER, name)))('%s is read, and shown by each in its way', (name) => {
    const { processor, sql } = outcomes.get(name)!;
    expect(countOf(processor)).toBeTypeOf('number');
    expect(countOf(processor)).toBe(countOf(sql));
    expect(processor).not.toEqual(sql);
  });

  it.each(Object.keys(REFUSED_BY_PROCESSORS))('%s is broken; SQL reads it, processors do not', (name) => {
    const { processor, sql } = outcomes.get(name)!;
    expect(processor).toEqual({ code: 'source.corrupt_parquet' });
    expect(countOf(sql)).toBeGreaterThan(0);
  });

  it.each(Object.entries(REFUSED))('%s is refused: %s', (name, code) => {
    expect(outcomes.get(name)).toEqual({ processor: { code }, sql: { code } });
  });

  it('of moments before 1970, before the year 1 and after 9999 is read by both alike', async () => {
    const map = `select t::timestamp t, t::date d from (values ('1969-12-31 23:59:59.999999'), ('1969-12-31 23:59:59'), ('0044-03-15 (BC) 12:00:00.5'),
      ('0001-01-01 00:00:00'), ('12345-06-07 08:09:10.000001'), ('1970-01-01 00:00:00.001')) v(t)`;
    const uri = engine.at('moments.parquet');
    await engine.run({ source: { items: [{ n: 1 }] }, process: { use: 'sql', with: { map } }, sink: { uri } });
    const [processor, sql] = [await outcome(uri, 'processor'), await outcome(uri, 'sql')];
    expect(processor).toEqual(sql);
    expect(processor).toMatchObject({
      rows: [{ t: '1969-12-31 23:59:59.999999', d: '1969-12-31' }, {}, {}, {}, {}, {}],
    });
  });

  it('are all there', () => {
    expect([files.length, same.length]).toEqual([76, 55]);
  });
});
