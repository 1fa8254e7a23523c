import type { ColumnType } from '../../core/records.js';

/** How a column travels: the type it has here, the one its Parquet file gives it, and what the server is asked for. */
export interface TypeOfColumn {
  type: ColumnType;
  /** In DuckDB's words. */
  stored: string;
  select(column: string): string;
}

const asIs = (column: string) => column;

const BY_OID: Record<number, [ColumnType, string]> = {
  16: ['bool', 'BOOLEAN'],
  20: ['int', 'BIGINT'],
  21: ['int', 'SMALLINT'],
  23: ['int', 'INTEGER'],
  26: ['int', 'BIGINT'],
  700: ['float', 'FLOAT'],
  701: ['float', 'DOUBLE'],
  1082: ['date', 'DATE'],
  1114: ['timestamp', 'TIMESTAMP'],
};
const NUMERIC = 1700;
const TIMESTAMPTZ = 1184;
const MOST_DIGITS = 38;

/** @param modifier what stands in brackets behind the type, as the server packs it; -1: nothing */
export function typeOf(oid: number, modifier: number, isArray: boolean): TypeOfColumn {
  const known = BY_OID[oid];
  if (known) return { type: known[0], stored: known[1], select: asIs };
  if (oid === TIMESTAMPTZ)
    return { type: 'timestamp', stored: 'TIMESTAMP', select: (column) => `${column} at time zone 'UTC'` };
  const decimal = oid === NUMERIC ? decimalOf(modifier) : null;
  if (decimal) return { type: 'float', stored: decimal, select: asIs };
  return { type: 'string', stored: 'VARCHAR', select: isArray ? (column) => `array_to_json(${column})` : asIs };
}

/** Null where the digits are not bounded, or by more than Parquet has: such a number is text, digit for digit. */
function decimalOf(modifier: number): string | null {
  if (modifier < 4) return null;
  const precision = ((modifier - 4) >> 16) & 0xffff;
  const scale = (modifier - 4) & 0x7ff;
  return precision <= MOST_DIGITS && scale <= precision ? `DECIMAL(${precision}, ${scale})` : null;
}

export function isUnboundedNumber(oid: number, modifier: number): boolean {
  return oid === NUMERIC && decimalOf(modifier) === null;
}
