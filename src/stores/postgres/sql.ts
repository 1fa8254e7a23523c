import type { TablePlace } from '../../core/table-uri.js';

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** With `E`, a backslash means the same under every setting of the server. */
export function literal(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

export function qualified(table: NonNullable<TablePlace['table']>): string {
  return table.map(identifier).join('.');
}
