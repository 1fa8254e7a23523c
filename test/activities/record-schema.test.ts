import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine('record-schema');
});
afterAll(() => engine.stop());

/** `id` from 1, of which each seventh has no price and each tenth one that is below zero. */
const RECORDS = 500;
const rows = Array.from({ length: RECORDS }, (_, i) => ({
  id: i + 1,
  price: (i + 1) % 7 === 0 ? null : (i + 1) % 10 === 0 ? -1 : i / 2,
}));
const fault = ({ price }: { price: number | null }) =>
  price === null ? 'absent' : price < 0 ? 'price must be >= 0' : null;
const bad = rows.filter((row) => fault(row) !== null);
const good = rows.filter((row) => fault(row) === null);

const schema = {
  type: 'object',
  required: ['price'],
  properties: { price: { type: 'number', minimum: 0 } },
};
const options = { chunk: { rows: 60 }, rejects: { action: 'quarantine' } };
const sql = { use: 'sql', with: { map: 'select id from chunk' } };
const pass = { use: 'pass' };

const csv = () => engine.write('in.csv', `id,price\n${rows.map(({ id, price }) => `${id},${price ?? ''}\n`).join('')}`);
const ndjson = () => engine.write('in.ndjson', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
async function parquet(): Promise<string> {
  const uri = engine.at('in.parquet');
  await engine.run({
    source: { items: rows },
    process: { use: 'sql', with: { map: 'select id::int as id, price::double as price from chunk' } },
    sink: { uri, ifExists: 'replace' },
  });
  return uri;
}

describe('a source with a schema', () => {
  it.each([
    ['CSV', csv, sql],
    ['CSV', csv, pass],
    ['NDJSON', ndjson, sql],
    ['NDJSON', ndjson, pass],
    ['Parquet', parquet, sql],
    ['Parquet', parquet, pass],
  ])('rejects the records that do not match it, by name: %s', async (_, make, process) => {
    const uri = await make();
    const out = engine.at('out.ndjson');
    const { state, counts, rejected } = await engine.run({
      source: { uri, schema },
      process,
      sink: { uri: out, ifExists: 'replace' },
      options,
    });
    expect(state).toBe('completed_with_rejects');
    expect(counts).toMatchObject({ in: RECORDS, used: good.length, rejected: bad.length });
    const written = (await engine.read('out.ndjson')).trim().split('\n');
    expect(written.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual(good.map(({ id }) => id));
    expect(rejected.map(({ record, code }) => ({ record, code }))).toEqual(
      bad.map(({ id }) => ({ record: id, code: 'row.schema' })),
    );
    expect(rejected.find(({ record }) => record === 10)).toMatchObject({ message: 'price must be >= 0' });
  });

  it('rejects the same items, as bytes or not', async () => {
    const { counts, rejected } = await engine.run({ source: { items: rows, schema }, process: sql, options });
    expect(counts).toMatchObject({ used: good.length, rejected: bad.length });
    expect(rejected.map(({ record }) => record)).toEqual(bad.map(({ id }) => id));
  });

  it('takes an empty field of a CSV for an absent one, and the null of JSON for a value', async () => {
    const run = async (uri: string) =>
      (await engine.run({ source: { uri, schema }, process: pass, options })).rejected[0];
    expect(await run(await csv())).toMatchObject({
      record: 7,
      message: "the record must have required property 'price'",
    });
    expect(await run(await ndjson())).toMatchObject({ record: 7, message: 'price must be number' });
  });

  it('looks at a corrected record again', async () => {
    const first = await engine.run({ source: { uri: await csv(), schema }, process: sql, options });
    const corrected = first.rejected.map((reject, i) => ({ ...reject, raw: i === 0 ? '7,-3' : `${reject.record},3` }));
    const { counts, rejected } = await engine.retried(first.id, corrected);
    expect(counts).toMatchObject({ in: RECORDS, used: RECORDS - 1, rejected: 1 });
    expect(rejected).toMatchObject([{ record: 7, code: 'row.schema', message: 'price must be >= 0', raw: '7,-3' }]);
  });

  it('fails by the first such record where rejects are not asked for', async () => {
    const { code, message } = await engine.fail({ source: { uri: await csv(), schema }, process: sql });
    expect(code).toBe('rejects.not_tolerated');
    expect(message).toContain('row.schema');
  });
});
