import { END_STATES, OPEN_STATES, isEndState } from '../core/job.js';
import type { JobView } from '../core/job.js';
import { duration } from '../core/figures.js';
import { elapsedSeconds, progressFacts, shareDone } from '../core/job-facts.js';
import { Live, Moment, State, Table } from './parts.js';
import { pageOf } from './paths.js';

export interface JobsQuery {
  state?: string;
  search?: string;
  cursor?: string;
}

const STATES = [...OPEN_STATES, ...END_STATES];

/** The address of a list; what is empty is left out, so that equal lists have equal addresses. */
function jobsAddress(query: JobsQuery): string {
  const told = Object.entries(query).filter(([, value]) => value);
  return told.length === 0 ? '/' : `/?${new URLSearchParams(told as [string, string][]).toString()}`;
}

/** Jobs, newest first. @param props.jobs open ones with their progress, as far as it was asked for */
export function JobsPage({
  query,
  jobs,
  nextCursor,
  now,
}: {
  query: JobsQuery;
  jobs: JobView[];
  nextCursor: string | null;
  now: number;
}) {
  return (
    <>
      <h1>Jobs</h1>
      <form class="filters" method="get" action="/" role="search">
        <label>
          Name or id begins with <input type="search" name="search" value={query.search ?? ''} />
        </label>
        <label>
          State{' '}
          <select name="state">
            <option value="">any</option>
            {STATES.map((state) => (
              <option value={state} selected={state === query.state}>
                {state.replaceAll('_', ' ')}
              </option>
            ))}
          </select>
        </label>
        <button>Show</button>
        {(query.state || query.search) && <a href="/">all</a>}
      </form>
      <form method="post" action="/jobs/orders">
        <input type="hidden" name="back" value={jobsAddress(query)} />
        <Live id="jobs">
          {jobs.length === 0 ? (
            <NoJobs filtered={Boolean(query.state || query.search)} />
          ) : (
            <JobTable jobs={jobs} now={now} />
          )}
        </Live>
        <div class="row">
          <span class="dim">With those chosen:</span>
          <button name="order" value="retry">
            Retry what failed
          </button>
          <button name="order" value="cancel" class="danger" data-confirm="Cancel the chosen jobs?">
            Cancel
          </button>
          <span class="push"></span>
          {query.cursor && <a href={jobsAddress({ ...query, cursor: undefined })}>Newest</a>}
          {nextCursor !== null && <a href={jobsAddress({ ...query, cursor: nextCursor })}>Older</a>}
        </div>
      </form>
    </>
  );
}

function NoJobs({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <p class="empty">
        No job is like this. <a href="/">Show all</a>
      </p>
    );
  }
  return (
    <p class="empty">
      There are no jobs yet. <a href="/submit">Start one</a>, or type <code>millrace run SPEC</code>.
    </p>
  );
}

export function JobTable({ jobs, now, choose = true }: { jobs: JobView[]; now: number; choose?: boolean }) {
  return (
    <Table
      label="Jobs"
      columns={[...(choose ? [{ hidden: 'Choose' }] : []), 'Name', 'State', 'Progress', 'Started', 'Took']}
      kind="jobs"
    >
      {jobs.map((job) => (
        <tr>
          {choose && (
            <td>
              <input type="checkbox" name="id" value={job.id} aria-label={`Choose ${job.name}`} />
            </td>
          )}
          <th scope="row">
            <a href={pageOf.job(job.id)}>{job.name}</a>
            <span class="dim small">
              {job.processor}
              {job.schedule && (
                <>
                  {' · '}
                  <a href={pageOf.schedule(job.schedule.id)}>{job.schedule.id}</a>
                </>
              )}
            </span>
          </th>
          <td>
            <State state={job.state} />
          </td>
          <td>
            <Progress job={job} />
          </td>
          <td>
            <Moment at={job.createdAt} />
          </td>
          <td class="number">{duration(elapsedSeconds(job, now))}</td>
        </tr>
      ))}
    </Table>
  );
}

/** A bar, and what is told of an open job in a few words. */
export function Progress({ job }: { job: JobView }) {
  const { progress } = job;
  if (!progress || progress.chunks.total === 0 || isEndState(job.state)) return null;
  const share = shareDone(progress);
  const percent = `${Math.floor(share * 100)} %`;
  return (
    <div class="progress">
      <progress max="1" value={String(share)} aria-label={`${job.name}: ${percent}`}>
        {percent}
      </progress>{' '}
      <span class="small">
        {percent} · {progressFacts(progress).join(' · ')}
      </span>
    </div>
  );
}
