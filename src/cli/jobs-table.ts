import type { JobView } from '../core/job.js';
import { duration } from '../core/figures.js';
import { elapsedSeconds } from '../core/job-facts.js';
import type { Cli } from './context.js';
import { cut, displayWidth, printable } from './format.js';
import { widthOf, writeLine } from './io.js';
import { paintState } from './job-text.js';
import type { Style } from './style.js';
import { tableLines } from './table.js';

const MIN_NAME = 12;
const COLUMNS = [
  { name: 'state', min: 22 },
  { name: 'name', min: MIN_NAME },
  { name: 'took', align: 'right' as const, min: 6 },
  { name: 'processor', min: 8 },
  { name: 'created (UTC)', min: 19 },
];

/** Jobs as a table. An id is what is copied, so it stands whole: where there is no room beside it, in a line of its own. */
export function jobsTableLines(jobs: readonly JobView[], width: number, style: Style, now: number): string[] {
  const idWidth = Math.max(...jobs.map(({ id }) => displayWidth(id)));
  const stateWidth = Math.max(...jobs.map(({ state }) => state.length));
  if (idWidth + stateWidth + MIN_NAME + 4 > width) {
    return jobs.flatMap((job) => {
      const facts = `  ${duration(elapsedSeconds(job, now))}`;
      const name = cut(printable(job.name), Math.max(1, width - job.state.length - facts.length - 2));
      return [`${paintState(job.state, style)}  ${style.bold(name)}${facts}`, `  ${job.id}`];
    });
  }
  const rows = jobs.map((job) => [
    job.id,
    job.state,
    job.name,
    duration(elapsedSeconds(job, now)),
    job.processor,
    job.createdAt.slice(0, 19).replace('T', ' '),
  ]);
  return tableLines([{ name: 'id', min: idWidth }, ...COLUMNS], rows, { width, style });
}

export function printJobs({ io, style }: Cli, jobs: readonly JobView[], more: boolean): void {
  if (jobs.length === 0) return writeLine(io.stdout, 'No jobs');
  for (const line of jobsTableLines(jobs, widthOf(io.stdout), style, Date.now())) writeLine(io.stdout, line);
  if (more) writeLine(io.stdout, style.dim('… more; raise --limit'));
}
