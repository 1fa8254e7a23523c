import type { Client } from 'pg';
import { MillraceError } from '../../core/errors.js';
import type { TableLoad } from '../port.js';
import { stateOf } from './connect.js';
import { exists } from './target.js';
import type { Target } from './target.js';

/** A commit, as the ledger knows it. */
export type Commit = Pick<TableLoad, 'job' | 'generation' | 'uri'>;

/**
 * One row a commit, in the table `millrace_commits` of the schema of its target: written with the rows, or not at all. So what
 * is done again is found done.
 */
export class Ledger {
  private readonly table: string;

  constructor(
    private readonly client: Client,
    target: Target,
  ) {
    this.table = target.beside('millrace_commits');
  }

  async make(): Promise<void> {
    await this.client.query(`set lock_timeout to '60s'`);
    await makeOnce(
      this.client,
      this.table,
      `job text, generation int, target text not null, rows bigint not null,
        committed_at timestamptz not null default now(), primary key (job, generation)`,
    );
  }

  /** Rows of this very commit, where it has been; null where not. @throws MillraceError `sink.superseded` after a later generation */
  async committed({ job, generation }: Commit): Promise<number | null> {
    const { rows } = await this.client.query<{ generation: number; rows: string }>(
      `select generation, rows from ${this.table} where job = $1 and generation >= $2 order by generation desc limit 1`,
      [job, generation],
    );
    if (!rows[0]) return null;
    if (rows[0].generation === generation) return Number(rows[0].rows);
    throw new MillraceError('sink.superseded', `a later run of job "${job}" has filled the table already`);
  }

  async add({ job, generation, uri }: Commit, rows: number): Promise<void> {
    await this.client.query(`insert into ${this.table} (job, generation, target, rows) values ($1, $2, $3, $4)`, [
      job,
      generation,
      uri,
      rows,
    ]);
  }

  /** How many rows a former run of this job put there, and nobody after it; null where none did. */
  async ownRows({ job, uri }: Commit): Promise<number | null> {
    const { rows } = await this.client.query<{ job: string; rows: string }>(
      `select job, rows from ${this.table} where target = $1 order by committed_at desc, generation desc limit 1`,
      [uri],
    );
    return rows[0]?.job === job ? Number(rows[0].rows) : null;
  }

  /**
   * From here to the commit attempts of a job come one after another, so that a late one sees the run that came after its own.
   * Of the same run the key of the ledger lets only one commit.
   */
  async oneAfterAnother(commit: Commit): Promise<void> {
    await lock(this.client, commit.job);
    await this.committed(commit);
  }
}

/** Held to the end of the transaction, against others that lock the same. */
export async function lock(client: Client, what: string): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`millrace ${what}`]);
}

export async function makeOnce(client: Client, table: string, columns: string): Promise<void> {
  if (await exists(client, table)) return;
  try {
    await client.query(`create table if not exists ${table} (${columns})`);
  } catch (error) {
    // Two that make it at once: one of them is told so.
    if (!['23505', '42P07'].includes(stateOf(error))) throw error;
  }
}
