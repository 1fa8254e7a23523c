import type { Client } from 'pg';
import { MillraceError } from '../../core/errors.js';
import type { RangeLoad, RangesEnd, TableLoad, TextPlace } from '../port.js';
import { close, connectTo } from './connect.js';
import type { Connections } from './connect.js';
import { Ledger, lock, makeOnce } from './ledger.js';
import { Staging, copyInto, createTable, exists, hasRows, sinkFault, taken, targetOf } from './target.js';
import type { Target } from './target.js';

/**
 * One row for each piece of a range that is in a table, in `millrace_chunks` beside it: written with the rows of the piece, or
 * not at all. A piece is known by its range, its place there and its digest: the same plan gives the same bytes, whoever made them.
 */
class RangeLedger {
  private readonly table: string;

  constructor(
    private readonly client: Client,
    target: Target,
  ) {
    this.table = target.beside('millrace_chunks');
  }

  make(): Promise<void> {
    return makeOnce(
      this.client,
      this.table,
      `job text, first_chunk bigint, piece int, behind_chunk bigint not null, digest text not null, target text not null,
        rows bigint not null, file int, file_end bigint, committed_at timestamptz not null default now(),
        primary key (job, first_chunk, piece)`,
    );
  }

  /** What is in the table of the chunks `[from, to)`, in order. */
  async of({ job, from, to }: RangeLoad): Promise<Array<{ from: number; to: number; piece: number; digest: string }>> {
    const { rows } = await this.client.query<{ from: string; to: string; piece: number; digest: string }>(
      `select first_chunk as from, behind_chunk as to, piece, digest from ${this.table}
        where job = $1 and first_chunk < $3 and behind_chunk > $2 order by first_chunk, piece`,
      [job, from, to],
    );
    return rows.map((row) => ({ ...row, from: Number(row.from), to: Number(row.to) }));
  }

  async reaches({ job, from }: RangeLoad, { file, at }: TextPlace): Promise<boolean> {
    const { rowCount } = await this.client.query(
      `select from ${this.table} where job = $1 and behind_chunk = $2 and file = $3 and file_end = $4`,
      [job, from, file, at],
    );
    return rowCount! > 0;
  }

  async add({ job, from, to, uri, ends }: RangeLoad, piece: number, of: RangeLoad['pieces'][number]): Promise<void> {
    await this.client.query(
      `insert into ${this.table} (job, first_chunk, piece, behind_chunk, digest, target, rows, file, file_end)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [job, from, piece, to, of.digest, uri, of.records, ends?.file ?? null, ends?.at ?? null],
    );
  }

  async hasRows(job: string): Promise<boolean> {
    const { rowCount } = await this.client.query(`select from ${this.table} where job = $1 and rows > 0 limit 1`, [
      job,
    ]);
    return rowCount! > 0;
  }

  async rowsOf(job: string): Promise<number> {
    const { rows } = await this.client.query<{ n: string }>(
      `select coalesce(sum(rows), 0) as n from ${this.table} where job = $1`,
      [job],
    );
    return Number(rows[0]!.n);
  }

  async loaded(job: string): Promise<string[]> {
    const { rows } = await this.client.query<{ name: string }>(
      `select first_chunk || '/' || digest as name from ${this.table} where job = $1`,
      [job],
    );
    return rows.map(({ name }) => name);
  }

  /** @param from first chunk of the range; null: all of the job */
  async forget({ job, from = null }: { job: string; from?: number | null }): Promise<void> {
    await this.client.query(`delete from ${this.table} where job = $1 and first_chunk = coalesce($2, first_chunk)`, [
      job,
      from,
    ]);
  }
}

/** Work on a table in one transaction, with both ledgers. */
async function within<T>(
  connections: Connections,
  { uri, signal }: Pick<RangeLoad, 'uri' | 'signal'>,
  work: (client: Client, target: Target, ledgers: { commits: Ledger; ranges: RangeLedger }) => Promise<T>,
): Promise<T> {
  const target = targetOf(uri);
  const client = await connectTo(connections, target.connection, signal);
  try {
    const ledgers = { commits: new Ledger(client, target), ranges: new RangeLedger(client, target) };
    await ledgers.commits.make();
    await ledgers.ranges.make();
    await client.query('begin');
    const result = await work(client, target, ledgers);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    if (signal.aborted) throw signal.reason;
    throw sinkFault(error, uri);
  } finally {
    await close(client);
  }
}

/** Loads what is missing of a range. @returns false where it has to wait: what stands before it is not in the table */
export async function loadRange(connections: Connections, load: RangeLoad): Promise<boolean> {
  return within(connections, load, async (client, target, { commits, ranges }) => {
    // Whoever loads another half of the same range, or all of it, comes before or after.
    await lock(client, `${load.job} ${load.planned}`);
    const there = await ranges.of(load);
    // It may come long after its job has ended, which has then seen to the range. Asked after the ranges: they go with the end.
    if ((await commits.committed(load)) !== null) return true;
    const own = there.filter(({ from, to }) => from === load.from && to === load.to);
    // Of a range that was halved while an attempt at all of it was thought dead, either gives the same rows.
    if (own.length < there.length) return covers(there, load);
    // More of it may be there than is asked for: a retry has added a piece since this receipt was read.
    const differs = load.pieces.slice(0, own.length).some(({ digest }, n) => digest !== own[n]!.digest);
    if (differs && !load.upsert) throw appended(load);
    if (differs) await ranges.forget(load);
    const missing = load.pieces.slice(differs ? 0 : own.length);
    if (load.follows && own.length === 0 && !(await ranges.reaches(load, load.follows))) return false;

    if (missing.some(({ records }) => records > 0)) {
      await prepare(client, target, ranges, load);
      await add(client, target, { ...load, pieces: each(missing) });
    }
    for (const [n, piece] of missing.entries()) await ranges.add(load, load.pieces.length - missing.length + n, piece);
    return true;
  });
}

async function add(client: Client, { name }: Target, load: Omit<TableLoad, 'ifExists'>): Promise<void> {
  if (!load.upsert) {
    await copyInto(client, name, load);
    return;
  }
  const staging = new Staging(client, name, load.columns);
  await staging.fill(load);
  await staging.move(load.upsert);
}

async function* each<T>(values: T[]): AsyncGenerator<T> {
  yield* values;
}

function covers(there: Array<{ from: number; to: number }>, { from, to }: RangeLoad): boolean {
  let next = from;
  for (const range of there) if (range.from <= next && range.to > next) next = range.to;
  return next >= to;
}

/** The first range with rows makes the table, or looks whether it may be filled; the others wait for that. */
async function prepare(client: Client, { name }: Target, ranges: RangeLedger, load: RangeLoad): Promise<void> {
  if (await ranges.hasRows(load.job)) return;
  await lock(client, `${load.job} table`);
  if (await ranges.hasRows(load.job)) return;
  if (!(await exists(client, name))) return createTable(client, name, load);
  if (load.ifExists === 'error' && !load.upsert && (await hasRows(client, name))) throw taken(load.uri);
}

/** The pieces that are in a table by a job, each as `first chunk/digest`. */
export async function loadedPieces(
  connections: Connections,
  of: Pick<RangeLoad, 'uri' | 'job' | 'signal'>,
): Promise<Set<string>> {
  return within(connections, of, async (_client, _target, { ranges }) => new Set(await ranges.loaded(of.job)));
}

/** Writes down that all ranges of a job are in its table, once for each of its generations. @returns the rows that are there by it */
export async function endRanges(connections: Connections, end: RangesEnd): Promise<number> {
  return within(connections, end, async (client, target, { commits, ranges }) => {
    await lock(client, end.job);
    const before = await commits.committed(end);
    if (before !== null) return before;
    if (end.columns.length > 0 && !(await exists(client, target.name))) await createTable(client, target.name, end);
    const rows = await ranges.rowsOf(end.job);
    if (rows !== end.rows) {
      throw new MillraceError(
        'sink.rows_differ',
        `sink "${end.uri}" has ${rows} rows of this job by its ledger, where its result has ${end.rows}`,
      );
    }
    await commits.add(end, rows);
    if (end.last) await ranges.forget({ job: end.job });
    return rows;
  });
}

function appended({ uri, from, to }: RangeLoad): MillraceError {
  return new MillraceError(
    'sink.appended',
    `sink "${uri}" has other rows of chunks ${from + 1}-${to} by a former run of this job, and no key tells them from others; ` +
      'set sink.upsert, or start a new job with what was rejected',
  );
}
