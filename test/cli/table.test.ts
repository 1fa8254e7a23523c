import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/cli/format.js';
import { tableLines } from '../../src/cli/table.js';
import { styleFor } from '../../src/cli/style.js';
import { testOut } from './support/test-io.js';

const style = styleFor(testOut(), {});
const named = (...names: string[]) => names.map((name) => ({ name }));

describe('tableLines', () => {
  it('sets numbers right and text left', () => {
    expect(
      tableLines(
        named('airport', 'flights'),
        [
          ['ATL', 1200],
          ['LAS', 7],
          ['X', null],
        ],
        { width: 80, style },
      ),
    ).toEqual(['airport  flights', '───────  ───────', 'ATL         1200', 'LAS            7', 'X']);
  });

  it('counts what is left out', () => {
    const options = { width: 80, style, total: 1230 };
    expect(tableLines(named('a'), [[1]], options).at(-1)).toBe('… 1,229 more rows');
    expect(tableLines(named('a'), [[1]], { ...options, total: 2 }).at(-1)).toBe('… 1 more row');
  });

  it('narrows the widest column first', () => {
    const lines = tableLines(named('id', 'text'), [['j-1', 'a long text that does not fit']], { width: 20, style });
    expect(lines[2]).toBe('j-1  a long text th…');
  });

  it('leaves columns out where nothing else helps', () => {
    const columns = named('aaaaa', 'bbbbb', 'ccccc');
    expect(tableLines(columns, [], { width: 13, style })).toEqual(['aaaaa  bbbbb', '─────  ─────', '… 1 more column']);
  });

  it('aligns wide characters and keeps control characters from the terminal', () => {
    const lines = tableLines(
      named('name', 'n'),
      [
        ['東京', 1],
        ['a\u001b[2Jb\nc', 2],
      ],
      { width: 80, style },
    );
    expect(lines[2]).toBe('東京      1');
    expect(lines[3]).toBe('a·[2Jb⏎c  2');
  });

  it('never exceeds the width of the terminal', () => {
    const cell = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer(), fc.constant(null));
    const tables = fc
      .integer({ min: 1, max: 6 })
      .chain((size) =>
        fc.tuple(
          fc.array(fc.string({ maxLength: 12 }), { minLength: size, maxLength: size }),
          fc.array(fc.array(cell, { minLength: size, maxLength: size }), { maxLength: 5 }),
        ),
      );
    fc.assert(
      fc.property(tables, fc.integer({ min: 20, max: 120 }), ([names, rows], width) => {
        for (const line of tableLines(named(...names), rows, { width, style })) {
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
        }
      }),
    );
  });
});
