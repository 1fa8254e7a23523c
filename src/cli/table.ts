import { count } from '../core/figures.js';
import { cut, displayWidth, padEnd, padStart, printable } from './format.js';
import type { Style } from './style.js';

export interface TableColumn {
  name: string;
  /** Absent: right where every value is a number. */
  align?: 'left' | 'right';
  /** Columns of the terminal that it is not narrowed below; it is left out instead. Default: 5. */
  min?: number;
}

export interface TableOptions {
  /** Columns of the terminal; wider tables are cut. */
  width: number;
  style: Style;
  /** Rows there are in all, where `rows` is only the head of them. */
  total?: number;
}

const GAP = '  ';
const MIN_COLUMN = 5;

/** An aligned table as lines: names, a rule, the rows, and `… n more rows` where some are left out. */
export function tableLines(
  columns: readonly TableColumn[],
  rows: readonly (readonly unknown[])[],
  { width, style, total = rows.length }: TableOptions,
): string[] {
  const right = columns.map((column, index) =>
    column.align ? column.align === 'right' : rows.length > 0 && rows.every((row) => isNumeric(row[index])),
  );
  const cells = rows.map((row) => columns.map((_, index) => cellText(row[index])));
  const names = columns.map((column) => printable(column.name));
  const natural = names.map((name, index) =>
    cells.reduce((widest, row) => Math.max(widest, displayWidth(row[index]!)), displayWidth(name)),
  );
  const widths = fit(
    natural,
    columns.map(({ min }, n) => Math.min(natural[n]!, min ?? MIN_COLUMN)),
    width,
  );
  const line = (texts: readonly string[]): string =>
    widths
      .map((size, index) => {
        const text = cut(texts[index]!, size);
        return right[index] ? padStart(text, size) : padEnd(text, size);
      })
      .join(GAP)
      .trimEnd();
  const lines = [style.bold(line(names)), style.dim(widths.map((size) => '─'.repeat(size)).join(GAP))];
  for (const row of cells) lines.push(line(row));
  const notes: string[] = [];
  const left = total - rows.length;
  if (left > 0) notes.push(`… ${count(left)} more ${left === 1 ? 'row' : 'rows'}`);
  const hidden = columns.length - widths.length;
  if (hidden > 0) notes.push(`… ${hidden} more ${hidden === 1 ? 'column' : 'columns'}`);
  if (notes.length > 0) lines.push(style.dim(notes.join(', ')));
  return lines;
}

/** Rows given as records; the columns are the names of `columns`. */
export function recordTableLines(
  columns: readonly TableColumn[],
  rows: readonly Record<string, unknown>[],
  options: TableOptions,
): string[] {
  return tableLines(
    columns,
    rows.map((row) => columns.map((column) => row[column.name])),
    options,
  );
}

function isNumeric(value: unknown): boolean {
  return value === null || value === undefined || typeof value === 'number' || typeof value === 'bigint';
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return printable(
    typeof value === 'string' ? value : typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? ''),
  );
}

/** The widths of as many leading columns as fit: the widest are narrowed first, then the last are left out. */
function fit(natural: readonly number[], least: readonly number[], width: number): number[] {
  const widths = [...natural];
  const taken = (): number => widths.reduce((sum, size) => sum + size, 0) + GAP.length * (widths.length - 1);
  while (taken() > width) {
    const yielding = widths.filter((size, n) => size > least[n]!);
    if (yielding.length > 0) {
      const widest = Math.max(...yielding);
      const index = widths.findIndex((size, n) => size === widest && size > least[n]!);
      const next = Math.max(least[index]!, ...yielding.filter((size) => size < widest));
      const equals = yielding.filter((size) => size === widest).length;
      widths[index] = Math.max(equals > 1 ? widest - 1 : next, widest - (taken() - width), least[index]!);
    } else if (widths.length > 1) {
      widths.pop();
    } else {
      break;
    }
  }
  return widths;
}
