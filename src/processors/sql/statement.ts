import type { DuckDBConnection } from '@duckdb/node-api';
import { MillraceError } from '../../core/errors.js';
import type { SqlStep } from './sql-error.js';

/** Functions in FROM that only compute. Every other one reads files, settings, logs or memory of the process. */
const TABLE_FUNCTIONS = new Set([
  'range',
  'generate_series',
  'unnest',
  'json_each',
  'json_tree',
  'repeat',
  'repeat_row',
]);
/** Scalar functions with effects beyond their result. */
const BARRED_FUNCTIONS = new Set(['write_log', 'sleep_ms', 'current_setting', 'getenv', 'getvariable', 'setseed']);

interface Serialized {
  error: boolean;
  error_type?: string;
  error_message?: string;
  statements?: unknown[];
}

/**
 * The text of a statement, fit to be put in brackets, once it has proved to be one SELECT that reads `table` and nothing
 * else. The jail holds without this; this keeps one query from other files that the jail is open for, and from what DuckDB
 * itself would tell or log.
 * @throws MillraceError `sql.not_a_select`, `sql.invalid`
 */
export async function checkStatement(
  connection: DuckDBConnection,
  step: SqlStep,
  sql: string,
  table: string,
): Promise<string> {
  const parsed = await serialize(connection, sql);
  if (parsed.error) {
    if (parsed.error_type === 'not implemented') throw notASelect(step, 'another kind of statement');
    throw new MillraceError('sql.invalid', `${step}: ${parsed.error_message ?? 'the statement could not be parsed'}`);
  }
  const statements = parsed.statements ?? [];
  if (statements.length !== 1)
    throw notASelect(step, statements.length === 0 ? 'none' : `${statements.length} statements`);
  checkTree(statements[0], step, table);

  const text = sql.replace(/[\s;]+$/, '');
  const bracketed = await serialize(connection, `from (${text}\n)`);
  if (bracketed.error)
    throw new MillraceError(
      'sql.invalid',
      `${step}: something stands behind the end of the statement; remove it and its semicolon`,
    );
  return text;
}

async function serialize(connection: DuckDBConnection, sql: string): Promise<Serialized> {
  const result = await connection.runAndReadAll('select json_serialize_sql($1::varchar)', [sql]);
  return JSON.parse(String(result.getRows()[0]![0])) as Serialized;
}

function notASelect(step: SqlStep, found: string): MillraceError {
  return new MillraceError('sql.not_a_select', `${step}: wanted one SELECT statement, found ${found}`);
}

type Node = Record<string, unknown>;

function checkTree(tree: unknown, step: SqlStep, table: string): void {
  const nodes = [...nodesOf(tree)];
  const names = new Set([table]);
  for (const node of nodes) {
    if (typeof node.cte_name === 'string') names.add(node.cte_name.toLowerCase());
    const ctes = (node.cte_map as { map?: Array<{ key: string }> } | undefined)?.map ?? [];
    for (const { key } of ctes) names.add(key.toLowerCase());
  }
  const invalid = (message: string) => new MillraceError('sql.invalid', `${step}: ${message}`);

  for (const node of nodes) {
    if (node.type === 'BASE_TABLE') {
      const path = [node.catalog_name, node.schema_name, node.table_name].filter(Boolean).join('.');
      if (!names.has(path.toLowerCase())) throw invalid(`there is no table "${path}"; the statement reads "${table}"`);
    } else if (node.type === 'TABLE_FUNCTION') {
      const name = String((node.function as Node).function_name);
      if (!TABLE_FUNCTIONS.has(name.toLowerCase()))
        throw invalid(`the table function "${name}" is not available; the statement reads "${table}"`);
    } else if (node.type === 'SHOW_REF') {
      throw notASelect(step, 'DESCRIBE, SHOW or SUMMARIZE');
    } else if (node.type === 'VALUE_PARAMETER') {
      throw invalid(`the parameter "$${String(node.identifier)}" has no value; write the value itself`);
    } else if (node.class === 'FUNCTION' && BARRED_FUNCTIONS.has(String(node.function_name).toLowerCase())) {
      throw invalid(`the function "${String(node.function_name)}" is not available`);
    }
  }
}

function* nodesOf(tree: unknown): Generator<Node> {
  if (typeof tree !== 'object' || tree === null) return;
  if (!Array.isArray(tree)) yield tree as Node;
  for (const child of Object.values(tree)) yield* nodesOf(child);
}
