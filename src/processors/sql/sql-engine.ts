import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MillraceError, messageOf } from '../../core/errors.js';
import { createMemo } from '../../core/memo.js';
import type { PartitionValue } from '../../core/partition.js';
import type { Column } from '../../core/records.js';
import { MAX_RECORD_BYTES } from '../../core/spec.js';
import type { SqlColumn, SqlOutput, SqlTable } from '../engine.js';
import { openJail } from './jail.js';
import { identifier, literal, literalList } from './quote.js';
import { scanCount } from './scan-count.js';
import type { ProfiledOperator } from './scan-count.js';
import { sqlError } from './sql-error.js';
import type { SqlStep } from './sql-error.js';
import { checkStatement } from './statement.js';
import { emptySource, tableSource } from './table-source.js';

export interface SqlEngine {
  /**
   * Opens an output that takes the results of one statement over several chunks, in the order they are added.
   * @throws MillraceError `sql.not_a_select`, `sql.invalid`
   */
  openMap(sql: string, output: SqlOutput, signal?: AbortSignal): Promise<SqlMap>;
  /**
   * Runs a statement once over all partials (Parquet files of the same columns, anywhere; read lazily, spilling to scratch).
   * @param columns of the partials, where they are known
   * @throws MillraceError as `SqlMap.add`
   */
  reduce(
    partials: string[],
    sql: string,
    output: SqlOutput,
    signal?: AbortSignal,
    columns?: readonly SqlColumn[],
  ): Promise<SqlPart>;
  /**
   * Type-checks the statements against the columns before anything runs: `map` over an empty chunk, then `reduce` over what
   * `map` gives. Without `map` the partials are the chunks themselves.
   * @throws MillraceError `sql.not_a_select`, `sql.invalid`; the message names the statement
   */
  check(input: SqlCheckInput): Promise<SqlCheck>;
  /** The columns that NDJSON files of our own have together, each of a type that all values fit. Reads all of them. */
  columnsOf(paths: string[], signal?: AbortSignal): Promise<SqlColumn[]>;
  /** Writes NDJSON files of our own, in order, as one Parquet file of these columns. */
  convert(paths: string[], columns: SqlColumn[], output: SqlOutput, signal?: AbortSignal): Promise<SqlPart>;
  /** The rows of a Parquet file counted by the values of some columns, as text; at most so many groups. */
  groups(path: string, by: readonly string[], limit: number): Promise<SqlGroup[]>;
  /**
   * Writes the rows of a Parquet file into one file for each group of values, without the columns of the group: `part0.<format>` in
   * the folder that `partitionPath` names, below the output's path. Within a file they keep their order.
   */
  partition(
    path: string,
    columns: readonly SqlColumn[],
    by: readonly string[],
    output: SqlOutput,
    signal?: AbortSignal,
  ): Promise<void>;
  /**
   * Writes what PostgreSQL copied as CSV (no header, null as `\\N`) as one Parquet file of these types.
   * @throws MillraceError `source.bad_value` where a value has no place in its type
   */
  importCopy(path: string, columns: CopiedColumn[], output: SqlOutput, signal?: AbortSignal): Promise<SqlPart>;
  close(): void;
}

/** @property stored a DuckDB type */
export interface CopiedColumn {
  name: string;
  stored: string;
}

export interface SqlGroup {
  values: PartitionValue[];
  records: number;
}

export interface SqlMap {
  /**
   * Maps one chunk, as the view `chunk`, and appends its result. Where `rejected` is above zero nothing was appended and the
   * other counts are 0: the caller adds the chunk again once its own reader has sorted the bad records out.
   * @throws MillraceError `sql.failed`, `sql.out_of_memory`, `sql.io` (retryable), `job.cancelled`
   */
  add(table: SqlTable): Promise<SqlChunkCounts>;
  /** Completes the output, after at least one chunk was added. */
  finish(): Promise<SqlPart>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

export interface SqlChunkCounts {
  recordsIn: number;
  recordsOut: number;
  /** Records that the reader refused; at least 1 where it gave the whole chunk up. Not the exact number. */
  rejected: number;
}

export interface SqlPart {
  columns: SqlColumn[];
  records: number;
  bytes: number;
}

export interface SqlCheckInput {
  /** Pinned columns, or a Parquet file that has its own. */
  columns: Column[] | { parquet: string };
  map?: string;
  reduce?: string;
}

export interface SqlCheck {
  map?: SqlColumn[];
  reduce?: SqlColumn[];
}

/** How often a running query is told to stop, once it should: one that has not started yet would miss a single call. */
const INTERRUPT_MS = 50;
const MAX_KNOWN = 64;

/**
 * The SQL engine of one thread: an instance kept warm, a fresh connection (0.1 ms) for each statement, so that nothing
 * of one statement is seen by the next. One call at a time.
 * @param options.scratch an existing folder of this thread alone; text chunks and outputs lie in it
 */
export async function createSqlEngine(options: { scratch: string; memoryBytes: number }): Promise<SqlEngine> {
  const scratch = await realpath(options.scratch);
  await mkdir(join(scratch, 'duckdb-temp'), { recursive: true });
  const home = await openJail(scratch, options.memoryBytes);
  /** Files outside of scratch are read by an instance opened for exactly these files, kept while the same ones are asked for. */
  let annex: { key: string; jail: DuckDBInstance } | undefined;
  const profilePath = join(scratch, 'profile.json');
  /** Small jobs ask the same over and over, and each question costs as much as to read a small chunk. */
  const statements = createMemo<string>(MAX_KNOWN);
  const columnsOfSteps = createMemo<SqlColumn[]>(MAX_KNOWN);

  /** What a statement may be depends on nothing but its text. */
  function checked(step: SqlStep, sql: string, table: string, signal?: AbortSignal): Promise<string> {
    checkSignal(signal);
    return statements(JSON.stringify([step, table, sql]), () =>
      connected(home, signal, (connection) => checkStatement(connection, step, sql, table)),
    );
  }

  async function jailFor(paths: readonly string[]): Promise<DuckDBInstance> {
    const outside = paths.filter((path) => !path.startsWith(scratch + sep));
    if (outside.length === 0) return home;
    const key = outside.join('\0');
    if (annex?.key !== key) {
      annex?.jail.closeSync();
      annex = undefined;
      annex = { key, jail: await openJail(scratch, options.memoryBytes, outside) };
    }
    return annex.jail;
  }

  /** A fresh connection, closed afterwards; interrupted when `signal` is aborted. */
  async function connected<T>(
    jail: DuckDBInstance,
    signal: AbortSignal | undefined,
    use: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T> {
    checkSignal(signal);
    const connection = await jail.connect();
    const timer = signal && setInterval(() => signal.aborted && connection.interrupt(), INTERRUPT_MS);
    const interrupt = () => connection.interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await use(connection);
    } catch (error) {
      checkSignal(signal);
      throw error;
    } finally {
      clearInterval(timer);
      signal?.removeEventListener('abort', interrupt);
      connection.disconnectSync();
    }
  }

  async function openMap(sql: string, output: SqlOutput, signal?: AbortSignal): Promise<SqlMap> {
    const statement = await checked('map', sql, 'chunk', signal);
    const pieces: string[] = [];
    let columns: SqlColumn[] | undefined;
    let records = 0;

    async function mapChunk(connection: DuckDBConnection, table: SqlTable, piece: string): Promise<SqlChunkCounts> {
      await connection.run(`create temp view chunk as ${await tableSource(table)}`);
      const described = columns ?? (await columnsOfMap(connection, table));
      // Profiling belongs to the connection, so it cannot outlive this chunk.
      if (table.kind !== 'parquet' && knownRecords(table) === undefined) {
        const metrics = `['OPERATOR_TYPE', 'OPERATOR_NAME', 'OPERATOR_CARDINALITY', 'EXTRA_INFO']`;
        await connection.run(
          `call enable_profiling(format = 'json', save_location = ${literal(profilePath)}, metrics = ${metrics})`,
        );
      }
      const header = output.header !== false && pieces.length === 0;
      const recordsOut = await copy(connection, statement, described, { ...output, path: piece, header });
      const recordsIn = await countRecords(connection, table);
      const rejected = table.kind === 'csv' ? await scalar(connection, 'select count(*) from reject_errors') : 0;
      if (rejected > 0) return { recordsIn: 0, recordsOut: 0, rejected };
      columns = described;
      return { recordsIn, recordsOut, rejected };
    }

    /** Text has the columns that are pinned; a Parquet file has its own. */
    function columnsOfMap(connection: DuckDBConnection, table: SqlTable): Promise<SqlColumn[]> {
      const find = () => describe(connection, statement);
      if (table.kind === 'parquet') return find();
      return columnsOfSteps(JSON.stringify([statement, table.kind, table.columns]), find);
    }

    async function countRecords(connection: DuckDBConnection, table: SqlTable): Promise<number> {
      const known = knownRecords(table);
      if (known !== undefined) return known;
      if (table.kind === 'parquet') {
        return scalar(
          connection,
          `select sum(num_rows)::bigint from parquet_file_metadata(${literalList(table.paths)})`,
        );
      }
      const profile = JSON.parse(await readFile(profilePath, 'utf8')) as ProfiledOperator;
      return scanCount(profile) ?? scalar(connection, 'select count(*) from chunk');
    }

    /** CSV and NDJSON results follow each other in the output; Parquet pieces are joined at the end. */
    async function append(piece: string): Promise<void> {
      pieces.push(piece);
      if (output.format === 'parquet') return;
      if (pieces.length === 1) return rename(piece, output.path);
      await pipeline(createReadStream(piece), createWriteStream(output.path, { flags: 'a' }));
      await rm(piece);
    }

    return {
      async add(given) {
        const table = await canonical(given);
        const piece = `${output.path}.${pieces.length}`;
        const jail = await jailFor(pathsOf(table));
        try {
          const counts = await connected(jail, signal, (connection) => mapChunk(connection, table, piece));
          if (counts.rejected > 0) await rm(piece, { force: true });
          else await append(piece);
          records += counts.recordsOut;
          return counts;
        } catch (error) {
          await rm(piece, { force: true });
          if (!(error instanceof MillraceError) && isReaderError(table, messageOf(error)))
            return { recordsIn: 0, recordsOut: 0, rejected: 1 };
          throw sqlError('map', error);
        }
      },

      async finish() {
        if (!columns) throw new Error('a map is finished before any chunk was added');
        if (output.format === 'parquet') {
          if (pieces.length === 1) await rename(pieces[0]!, output.path);
          else {
            await connected(home, signal, (connection) =>
              connection.run(`copy (${partialsSource(pieces)}) to ${copyTarget(output)}`),
            ).catch((error: unknown) => {
              throw sqlError('map', error);
            });
            await removeAll(pieces);
          }
        }
        return { columns, records, bytes: (await stat(output.path)).size };
      },

      discard: () => removeAll([output.path, ...pieces]),
    };
  }

  async function reduce(
    partials: string[],
    sql: string,
    output: SqlOutput,
    signal?: AbortSignal,
    given?: readonly SqlColumn[],
  ): Promise<SqlPart> {
    const paths = await Promise.all(partials.map((path) => realpath(path)));
    return connected(await jailFor(paths), signal, async (connection) => {
      const statement = await checked('reduce', sql, 'partials', signal);
      await connection.run(`create temp view partials as ${partialsSource(paths)}`);
      const find = () => describe(connection, statement);
      const columns = given ? await columnsOfSteps(JSON.stringify([statement, 'partials', given]), find) : await find();
      const records = await copy(connection, statement, columns, output);
      return { columns, records, bytes: (await stat(output.path)).size };
    }).catch(async (error: unknown) => {
      await rm(output.path, { force: true });
      throw sqlError('reduce', error);
    });
  }

  async function check({ columns, map, reduce: reduceSql }: SqlCheckInput): Promise<SqlCheck> {
    const parquet = Array.isArray(columns) ? undefined : await realpath(columns.parquet);
    const source = Array.isArray(columns)
      ? emptySource(columns)
      : `from read_parquet([${literal(parquet!)}], hive_partitioning = false) limit 0`;
    // Through a real file, because some types change on their way through Parquet.
    const empty: SqlOutput = { path: join(scratch, 'check.parquet'), format: 'parquet' };
    const result: SqlCheck = {};

    async function checkStep(
      connection: DuckDBConnection,
      step: SqlStep,
      sql: string,
      view: string,
      query: string,
    ): Promise<SqlColumn[]> {
      let known: string[] = [];
      try {
        await connection.run(`create temp view ${view} as ${query}`);
        known = (await describe(connection, `from ${view}`)).map(({ name }) => name);
        const statement = await checkStatement(connection, step, sql, view);
        const found = await describe(connection, statement);
        refuseTwins(step, found);
        await copy(connection, statement, found, empty);
        return found;
      } catch (error) {
        throw sqlError(step, error, { name: view, columns: known });
      }
    }

    try {
      await connected(await jailFor(parquet ? [parquet] : []), undefined, async (connection) => {
        if (map !== undefined) result.map = await checkStep(connection, 'map', map, 'chunk', source);
        if (reduceSql === undefined) return;
        const partials = map === undefined ? source : partialsSource([empty.path]);
        // The reduce statement's own output goes to the same file, which is only read while the view is bound: so it gets its own.
        empty.path = join(scratch, 'check-reduce.parquet');
        result.reduce = await checkStep(connection, 'reduce', reduceSql, 'partials', partials);
      });
      return result;
    } finally {
      await removeAll([join(scratch, 'check.parquet'), join(scratch, 'check-reduce.parquet')]);
    }
  }

  /** @param options of the reader, beside those that all our NDJSON has */
  function ndjsonSource(paths: readonly string[], options: string): string {
    return `from read_json(${literalList(paths)}, format = 'newline_delimited', maximum_object_size = ${MAX_RECORD_BYTES}, ${options})`;
  }

  async function columnsOf(given: string[], signal?: AbortSignal): Promise<SqlColumn[]> {
    const paths = await Promise.all(given.map((path) => realpath(path)));
    return connected(await jailFor(paths), signal, (connection) =>
      describe(connection, ndjsonSource(paths, 'sample_size = -1, union_by_name = true')),
    ).catch((error: unknown) => {
      throw sqlError('map', error);
    });
  }

  async function convert(
    given: string[],
    columns: SqlColumn[],
    output: SqlOutput,
    signal?: AbortSignal,
  ): Promise<SqlPart> {
    const paths = await Promise.all(given.map((path) => realpath(path)));
    return connected(await jailFor(paths), signal, async (connection) => {
      const pinned = columns.map(({ name, type }) => `${literal(name)}: ${literal(type)}`).join(', ');
      const records = await copy(connection, ndjsonSource(paths, `columns = {${pinned}}`), columns, output);
      return { columns, records, bytes: (await stat(output.path)).size };
    }).catch((error: unknown) => {
      throw sqlError('map', error);
    });
  }

  async function groups(given: string, by: readonly string[], limit: number): Promise<SqlGroup[]> {
    const path = await realpath(given);
    return connected(await jailFor([path]), undefined, async (connection) => {
      const texts = by.map((name) => `${identifier(name)}::varchar`).join(', ');
      const found = await connection.runAndReadAll(
        `select ${texts}, count(*) ${partialsSource([path])} group by all limit ${limit}`,
      );
      return found.getRows().map((row) => ({
        values: by.map((column, i) => ({ column, value: row[i] as string | null })),
        records: Number(row[by.length]),
      }));
    });
  }

  async function partition(
    given: string,
    columns: readonly SqlColumn[],
    by: readonly string[],
    output: SqlOutput,
    signal?: AbortSignal,
  ): Promise<void> {
    const path = await realpath(given);
    const source = forFormat(partialsSource([path]), columns, output);
    const others = columns.filter(({ name }) => !by.includes(name)).map(({ name }) => identifier(name));
    const keys = by.map(identifier).join(', ');
    // JSON cannot be partitioned, CSV can: of one column whose text has neither delimiter nor quote, it is what is written.
    const isJson = output.format === 'ndjson';
    const lines = `select ${keys}, to_json(struct_pack(${others.map((name) => `${name} := ${name}`).join(', ')}))::varchar from (${source})`;
    const options = isJson
      ? `format csv, header false, delimiter '\u0001', quote '\u0002', escape '\u0002', file_extension 'ndjson'`
      : optionsOf(output);
    await connected(await jailFor([path]), signal, (connection) =>
      connection.run(
        `copy (${isJson ? lines : source}) to ${literal(output.path)} (${options}, partition_by (${keys}), filename_pattern 'part')`,
      ),
    ).catch((error: unknown) => {
      throw sqlError('map', error);
    });
  }

  async function importCopy(
    given: string,
    columns: CopiedColumn[],
    output: SqlOutput,
    signal?: AbortSignal,
  ): Promise<SqlPart> {
    const path = await realpath(given);
    return connected(await jailFor([path]), signal, async (connection) => {
      const source = copySource(path, columns);
      const moments = columns.filter(({ stored }) => stored === 'DATE' || stored === 'TIMESTAMP');
      const checks = moments.map(({ name }) => `count(*) filter (not isfinite(${identifier(name)}))`);
      const records = await copy(connection, source, [], output);
      const endless =
        checks.length === 0
          ? []
          : (
              await connection.runAndReadAll(`select ${checks.join(', ')} from read_parquet(${literal(output.path)})`)
            ).getRows()[0]!;
      const at = endless.findIndex((count) => Number(count) > 0);
      if (at >= 0) throw badValue(`column "${moments[at]!.name}" holds an infinite time`);
      const described = columns.map(({ name, stored }) => ({ name, type: stored }));
      return { columns: described, records, bytes: (await stat(output.path)).size };
    }).catch((error: unknown) => {
      if (error instanceof MillraceError) throw error;
      const fault = sqlError('map', error);
      throw fault.retryable || fault.code === 'sql.out_of_memory'
        ? fault
        : badValue(fault.message.slice('map: '.length));
    });
  }

  return {
    openMap,
    reduce,
    check,
    columnsOf,
    convert,
    groups,
    partition,
    importCopy,
    close() {
      annex?.jail.closeSync();
      home.closeSync();
    },
  };
}

function copySource(path: string, columns: readonly CopiedColumn[]): string {
  const types = columns.map(({ name, stored }) => `${literal(name)}: ${literal(stored)}`).join(', ');
  return `from read_csv(${literal(path)}, auto_detect = false, header = false, columns = {${types}}, delim = ',', quote = '"',
    escape = '"', nullstr = '\\N', allow_quoted_nulls = false, strict_mode = true, new_line = '\\n', max_line_size = ${MAX_RECORD_BYTES})`;
}

function badValue(what: string): MillraceError {
  return new MillraceError(
    'source.bad_value',
    `a value has no place in the type of its column: ${what}; leave it out or cast it in source.query`,
  );
}

/** @throws MillraceError `job.cancelled` */
function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new MillraceError('job.cancelled', 'the job was cancelled or the attempt given up');
}

async function describe(connection: DuckDBConnection, statement: string): Promise<SqlColumn[]> {
  const result = await connection.runAndReadAll(`describe (${statement}\n)`);
  return result
    .getRowObjectsJson()
    .map((row) => ({ name: row.column_name as string, type: row.column_type as string }));
}

/** @returns the number of rows written */
async function copy(
  connection: DuckDBConnection,
  statement: string,
  columns: readonly SqlColumn[],
  output: SqlOutput,
): Promise<number> {
  return scalar(connection, `copy (${forFormat(statement, columns, output)}\n) to ${copyTarget(output)}`);
}

/**
 * What a format cannot hold. Parquet has no 128-bit integers and DuckDB would write them as inexact doubles; a sum of
 * integers that leaves 64 bits fails instead. JSON has no infinities and no NaN: they become null, as our own writer has it.
 */
function forFormat(statement: string, columns: readonly SqlColumn[], { format }: SqlOutput): string {
  const replaced = columns.flatMap(({ name: plain, type }) => {
    const name = identifier(plain);
    if (format === 'parquet' && /^U?HUGEINT$/.test(type)) return [`${name}::bigint as ${name}`];
    if (format === 'ndjson' && /^(DOUBLE|FLOAT)$/.test(type))
      return [`case when isfinite(${name}) then ${name} end as ${name}`];
    return [];
  });
  return replaced.length === 0 ? statement : `select * replace (${replaced.join(', ')}) from (${statement}\n)`;
}

function copyTarget(output: SqlOutput): string {
  return `${literal(output.path)} (${optionsOf(output)})`;
}

function optionsOf({ format, header, codec, rowGroupRows }: SqlOutput): string {
  const rowGroups = rowGroupRows === undefined ? '' : `, row_group_size ${rowGroupRows}`;
  return {
    csv: `format csv, header ${header !== false}`,
    ndjson: 'format json',
    parquet: `format parquet, compression ${codec === 'none' ? 'uncompressed' : (codec ?? 'snappy')}${rowGroups}`,
  }[format];
}

function partialsSource(paths: readonly string[]): string {
  return `from read_parquet(${literalList(paths)}, hive_partitioning = false)`;
}

async function scalar(connection: DuckDBConnection, sql: string): Promise<number> {
  const result = await connection.runAndReadAll(sql);
  return Number(result.getRows()[0]?.[0] ?? 0);
}

function refuseTwins(step: SqlStep, columns: readonly SqlColumn[]): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name.toLowerCase()))
      throw new MillraceError(
        'sql.invalid',
        `${step}: two columns of the result are named "${name}"; give one of them another name with AS`,
      );
    seen.add(name.toLowerCase());
  }
}

/** How many records a table has, where nobody has to look. */
function knownRecords(table: SqlTable): number | undefined {
  if (table.kind !== 'parquet') return table.kind === 'ndjson' ? table.records : undefined;
  const { firstRow, endRow, paths } = table;
  return firstRow === undefined || endRow === undefined ? undefined : (endRow - firstRow) * paths.length;
}

function pathsOf(table: SqlTable): string[] {
  return table.kind === 'parquet' ? table.paths : [table.path];
}

/** DuckDB resolves symbolic links before it looks whether a file may be read. */
async function canonical(table: SqlTable): Promise<SqlTable> {
  if (table.kind !== 'parquet') return { ...table, path: await realpath(table.path) };
  return { ...table, paths: await Promise.all(table.paths.map((path) => realpath(path))) };
}

/** Whether the reader of the chunk gave up, rather than the user's statement: mixed line ends, bytes that are no JSON, values of another type. */
function isReaderError(table: SqlTable, message: string): boolean {
  if (table.kind === 'csv') return /CSV Parser state machine|CSV Error|not utf-8 encoded/i.test(message);
  if (table.kind === 'ndjson')
    return /(JSON transform error|Malformed JSON) in file "|"maximum_object_size" of \d+ bytes exceeded/.test(message);
  return table.kind === 'parquet' && UNREAD_PARQUET.test(message);
}

/** Codecs and encodings that the engine does not have, and pages that are damaged. */
const UNREAD_PARQUET =
  /Unsupported compression codec|encoding is only supported for|Failed to read file|TProtocolException|Out of buffer|MAP_KEY_VALUE|Geoparquet|snappy|dictionary/i;

async function removeAll(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}
