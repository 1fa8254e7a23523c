import { MillraceError } from '../core/errors.js';
import { isEndState, OPEN_STATES } from '../core/job.js';
import type { ApiClient, JobQuery } from './api-client.js';
import type { Cli } from './context.js';
import { EXIT, exitCodeOfState, worstExitCode } from './exit-codes.js';
import { followJob } from './follow.js';
import { printable, wrap } from './format.js';
import { widthOf, writeJson, writeLine } from './io.js';
import { jobsTableLines } from './jobs-table.js';
import { watchJobs, type Watched } from './watch-jobs.js';

export interface FollowJobsOptions {
  state?: string;
  name?: string;
  schedule?: string;
  json?: boolean;
}

const PAGE = 200;

/** Watches jobs to their ends, says how each ended, and answers the worst exit code. A single id is followed with its result. */
export async function followJobs(cli: Cli, given: readonly string[], options: FollowJobsOptions): Promise<number> {
  const { io } = cli;
  const { state, name, schedule, json = false } = options;
  const asked = state !== undefined || name !== undefined || schedule !== undefined;
  if (given.length === 0 && !asked) {
    throw new MillraceError(
      'usage.nothing_to_do',
      'Nothing to watch; wanted ids of jobs, or --state open for all of them',
    );
  }
  const client = await cli.client();
  if (given.length === 1 && !asked) return followJob(cli, client, given[0]!, json);
  const found = asked ? await openJobs(client, state ?? 'open', { name, schedule }) : [];
  const ids = [...new Set([...given, ...found])];
  if (ids.length === 0) {
    if (json) writeJson(io.stdout, { jobs: [], errors: [] });
    else writeLine(io.stdout, `No jobs are ${state ?? 'open'}`);
    return EXIT.completed;
  }
  const watched = await watchJobs(client, ids, { io, style: cli.errorStyle, quiet: json });
  if (!watched) {
    writeLine(io.stderr, 'The jobs go on. Follow them again: millrace jobs watch --state open');
    return EXIT.interrupted;
  }
  if (json) printJson(cli, watched);
  else printEnds(cli, watched);
  return worstExitCode(watched.map(({ job, error }) => (error || !job ? EXIT.failed : exitCodeOfState(job.state))));
}

/** The ids of all jobs that are in a state now. The server lists one state at a time. */
async function openJobs(client: ApiClient, state: string, query: JobQuery): Promise<string[]> {
  const states: readonly string[] = state === 'open' ? OPEN_STATES : [state];
  const ids: string[] = [];
  for (const one of states) {
    let cursor: string | null | undefined;
    do {
      const page = await client.jobs({ ...query, state: one, limit: PAGE, ...(cursor && { cursor }) });
      ids.push(...page.jobs.filter((job) => !isEndState(job.state)).map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
  }
  return ids;
}

function printJson({ io }: Cli, watched: readonly Watched[]): void {
  writeJson(io.stdout, {
    jobs: watched.flatMap(({ job, error }) => (job && !error ? [job] : [])),
    errors: watched.flatMap(({ id, error }) => (error ? [{ id, code: error.code, message: error.message }] : [])),
  });
}

function printEnds({ io, style }: Cli, watched: readonly Watched[]): void {
  const ended = watched.flatMap(({ job, error }) => (job && !error ? [job] : []));
  if (ended.length > 0) {
    for (const line of jobsTableLines(ended, widthOf(io.stdout), style, Date.now())) writeLine(io.stdout, line);
  }
  for (const { id, job, error } of watched) {
    const fault = error ?? job?.error;
    const text = fault && `${id}  ${style.red(printable(`${fault.code}: ${fault.message}`))}`;
    if (text) writeLine(io.stdout, wrap(text, widthOf(io.stdout) - 2, '  '));
  }
}
