import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ColumnType } from '../../../src/core/records.js';
import { rangeRunner } from '../../helpers/one-range.js';
import type { RangeRunner } from '../../helpers/one-range.js';

let runner: RangeRunner;
beforeAll(async () => {
  runner = await rangeRunner();
});
afterAll(() => runner.close());

const SQL = { use: 'sql', with: { map: 'select * from chunk' } };
const PASS = { use: 'pass' };

/** What becomes of one field, read as a column of a type: by SQL and by a processor. */
async function fatesOf(type: ColumnType, cell: string): Promise<[sql: string, processor: string]> {
  const columns = [
    { name: 'id', type: 'int' as const },
    { name: 'value', type },
  ];
  const fates = [];
  for (const process of [SQL, PASS]) {
    const { rejects } = await runner.csv(`1,${cell}\n`, columns, process);
    fates.push(rejects[0]?.code ?? 'used');
  }
  return fates as [string, string];
}

const SPELLINGS: Record<Exclude<ColumnType, 'json'>, string[]> = {
  int: ['1', '-1', '+1', '007', ' 12', '12 ', '', '"7"', '""', '1,000', '9223372036854775807', '9223372036854775808', '1e', '--1', 'nan', 'x'],
  float: ['1.5', '.5', '5.', '-.5e3', '1E-3', 'nan', 'NaN', '-inf', 'Infinity', ' 1.5', '1e400', '0x10', '1.5.1', 'e5', '""'],
  bool: ['true', 'FALSE', 't', 'F', 'yes', 'N', '1', '0', '2', 'on', ' true', 'truth', '""'],
  date: ['2020-01-31', '2020-02-30', '2020-13-01', '2019-02-29', ' 2020-01-01', '20200101', '01-02-2020', '2020-Jan-01', '2020-01', 'x', '""'],
  timestamp: [
    '2020-01-01', '2020-01-01 12:30:59', '2020-01-01T12:30:59', '2020-01-01 12:30', '2020-01-01T12:30Z',
    '2020-01-01 12:30+02', '2020-01-01 12:30:59Z', '2020-01-01 12:30:59.123456789', '2020-01-01 12:30:59+02:00',
    '2020-01-01 12', '2020-01-01 12:60:00', '2020-01-01 23:59:60', '24:00:00', '12:30Z', 'x', '""',
  ],
  string: ['', '""', ' a ', 'é', '"a ""b"""', 'nan', 'a"b', '"a"b', '"a'],
}; // prettier-ignore

describe('SQL and processors use the same records, and refuse the same for the same reason', () => {
  const cases = Object.entries(SPELLINGS).flatMap(([type, cells]) =>
    cells.map((cell) => [type as ColumnType, cell] as const),
  );
  it.each(cases)('%s %j', async (type, cell) => {
    const [sql, processor] = await fatesOf(type, cell);
    expect(sql).toBe(processor);
  });

  it('null values, mixed line ends and stray quotes included', async () => {
    const content = '1,a,1.5\r\n2,NA,x\n3,"NA",2\n4,st"ray,3\n5,"",4\r6,,\n\n7,b\n8,"two\r\nlines",5\n9,c,1e3\n';
    const columns = [
      { name: 'id', type: 'int' as const },
      { name: 'text', type: 'string' as const },
      { name: 'n', type: 'float' as const },
    ];
    const csv = { nullValues: ['', 'NA'] };
    const [sql, processor] = [
      await runner.csv(content, columns, SQL, csv),
      await runner.csv(content, columns, PASS, csv),
    ];
    expect(sql.rejects).toEqual(processor.rejects);
    expect(sql.rows).toEqual(processor.rows);
    expect(sql.receipt.counts).toEqual(processor.receipt.counts);
    expect(processor.rejects.map(({ code, line }) => [line, code])).toEqual([
      [2, 'row.type'],
      [4, 'row.stray_quote'],
      [8, 'row.column_count'],
    ]);
    expect(processor.rows.map(({ id, text }) => [id, text])).toEqual([
      [1, 'a'],
      [3, 'NA'],
      [5, ''],
      [6, null],
      [8, 'two\r\nlines'],
      [9, 'c'],
    ]);
  });

  it('with infinities as null in JSON', async () => {
    const columns = [{ name: 'n', type: 'float' as const }];
    for (const process of [SQL, PASS]) {
      expect((await runner.csv('inf\nnan\n1.5\n', columns, process)).rows).toEqual([
        { n: null },
        { n: null },
        { n: 1.5 },
      ]);
    }
  });
});

/**
 * The engine behind `sql` takes more spellings than our reader does. A slice that has only these keeps them; one that has
 * any record the engine refuses is read by our reader as a whole. This list is docs/job-spec.md's, in examples.
 */
const TAKEN_BY_SQL_ALONE: Partial<Record<ColumnType, string[]>> = {
  int: ['1.5', '1.', '.5', '1e3', '1e-3', '1_000', '0x10', '0b11', '\t12'],
  float: ['1_000', '\t12'],
  date: ['2020-1-1', '2020/01/01', '2020 01 01', '2020-01-01 BC', '10000-01-01', '-2020-01-01', 'epoch', 'infinity', '2020-01-01x', '2020-01-01 12:30:00'],
  timestamp: ['2020-1-1', '2020/01/01', '2020-01-01 24:00:00', '2020-01-01 1:2:3', '2020-01-01 12:30:00 UTC', '2020-01-01 12:30:00+16:00', '2020-01-01 12:30:00.1234567891', 'epoch', 'infinity'],
}; // prettier-ignore

describe('spellings that SQL alone takes', () => {
  const cases = Object.entries(TAKEN_BY_SQL_ALONE).flatMap(([type, cells]) =>
    cells.map((cell) => [type as ColumnType, cell] as const),
  );
  it.each(cases)('%s %j', async (type, cell) => {
    expect(await fatesOf(type, cell)).toEqual(['used', 'row.type']);
  });
});
