import { expect, it } from 'vitest';
import { bytes, compact, count, duration } from '../../src/core/figures.js';
import { checkNode } from '../../src/cli/doctor/machine-checks.js';
import { wrap } from '../../src/cli/format.js';
import { parseParams } from '../../src/cli/params.js';

it('count groups by thousands', () => {
  expect([0, 999, 1000, 3_000_000].map(count)).toEqual(['0', '999', '1,000', '3,000,000']);
});

it('compact has three figures', () => {
  expect([0, 12, 999, 1000, 12_345, 930_000, 999_600, 1_240_000].map(compact)).toEqual([
    '0',
    '12',
    '999',
    '1.00k',
    '12.3k',
    '930k',
    '1.00M',
    '1.24M',
  ]);
});

it('bytes has binary units', () => {
  expect([0, 1023, 1024, 13_493_022, 5 * 1024 ** 3].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.00 KiB',
    '12.9 MiB',
    '5.00 GiB',
  ]);
});

it('duration has at most two units', () => {
  expect([0.04, 9.94, 45, 125, 3780].map(duration)).toEqual(['0.0 s', '9.9 s', '45 s', '2 min 5 s', '1 h 3 min']);
});

it('parameters are JSON where they can be, else text; a later one wins', () => {
  expect(parseParams(['n=3', 'on=true', 'list=[1]', 'day=2026-01-02', 'sql=a = b', 'empty=', 'n=4'])).toEqual({
    n: 4,
    on: true,
    list: [1],
    day: '2026-01-02',
    sql: 'a = b',
    empty: '',
  });
});

it('doctor wants Node.js 20.19', () => {
  expect(['20.18.9', '20.19.0', '24.1.0'].map((version) => checkNode(version).status)).toEqual(['fail', 'ok', 'ok']);
});

it('breaks long text between words, and leaves what fits and long words as they are', () => {
  expect(wrap('  one two  three', 16)).toBe('  one two  three');
  expect(wrap('  one two three', 9, '    ')).toBe('  one two\n    three');
  expect(wrap('see http://example.org/long/address now', 12)).toBe('see\nhttp://example.org/long/address\nnow');
});
