import type { JobView } from '../core/job.js';
import type { ScheduleDocument } from '../core/schedule.js';
import type { BackfillView, ScheduleRow, ScheduleView } from '../core/schedule-view.js';
import { count } from '../core/figures.js';
import { Elsewhere, Facts, Live, Moment, Order, State, Table } from './parts.js';
import { pageOf } from './paths.js';
import { JobTable } from './jobs-page.js';

/** The orders that a schedule takes. @param props.back where the answer is shown */
function Orders({ id, paused, back }: { id: string; paused: boolean; back: string }) {
  return (
    <div class="row">
      <Order to={pageOf.schedule(id, 'trigger')} label="Run now" fields={{ back }} />
      {paused ? (
        <Order to={pageOf.schedule(id, 'resume')} label="Resume" kind="primary" fields={{ back }} />
      ) : (
        <Order to={pageOf.schedule(id, 'pause')} label="Pause" fields={{ back }} />
      )}
    </div>
  );
}

export function SchedulesPage({ schedules, next }: { schedules: ScheduleRow[]; next: string | null }) {
  return (
    <>
      <h1>Schedules</h1>
      <Live id="schedules">
        {schedules.length === 0 && (
          <p class="empty">
            There are no schedules yet. Write one to a file and type <code>millrace schedules apply FILE</code>.
          </p>
        )}
        {schedules.length > 0 && (
          <Table label="Schedules" columns={['Schedule', 'State', 'Next', 'Last', { hidden: 'Orders' }]}>
            {schedules.map(({ id, sentence, paused, reason, next: due, last }) => (
              <tr>
                <th scope="row">
                  <a href={pageOf.schedule(id)}>{id}</a>
                  <span class="dim small">{sentence}</span>
                </th>
                <td>
                  <State state={paused ? 'paused' : 'active'} />
                  {reason && <span class="dim small">{reason}</span>}
                </td>
                <td>{paused ? '–' : <Moment at={due} />}</td>
                <td>
                  {last && (
                    <a href={pageOf.job(last.job)}>
                      <Moment at={last.time} />
                    </a>
                  )}
                </td>
                <td>
                  <Orders id={id} paused={paused} back="/schedules" />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Live>
      {next !== null && <a href={`/schedules?cursor=${encodeURIComponent(next)}`}>More</a>}
    </>
  );
}

export interface SchedulePageProps {
  schedule: ScheduleView;
  runs: JobView[];
  /** What was asked of a backfill, and what it would start. */
  backfill?: { from: string; to: string; view: BackfillView };
  now: number;
}

export function SchedulePage({ schedule, runs, backfill, now }: SchedulePageProps) {
  const { id, sentence, reason, remainingRuns, next, counts, createdAt, updatedAt, warnings, links } = schedule;
  return (
    <>
      <Live id="standing">
        <div class="row">
          <h1>{id}</h1>
          <State state={schedule.paused ? 'paused' : 'active'} />
          <span class="push"></span>
          <Orders id={id} paused={schedule.paused} back={pageOf.schedule(id)} />
        </div>
        <p>{sentence}</p>
        {reason && <p class="note">Paused: {reason}</p>}
        {warnings.map((warning) => (
          <p class="note">{warning}</p>
        ))}
        <Facts
          facts={[
            ['Started', count(counts.started)],
            [
              'Missed',
              `${count(counts.missed)}${counts.missed > 0 ? ' (nobody was there to start them within catchup)' : ''}`,
            ],
            [
              'Skipped',
              `${count(counts.skipped)}${counts.skipped > 0 ? ` (a run was open: overlap ${schedule.overlap})` : ''}`,
            ],
            ['Runs left', remainingRuns === null ? null : count(remainingRuns)],
            ['Time zone', schedule.timezone],
            ['Overlap', schedule.overlap],
            ['Catch-up', String(schedule.catchup)],
            ['Note', schedule.note],
            ['Made', <Moment at={createdAt} />],
            ['Changed', updatedAt && <Moment at={updatedAt} />],
            ['More', <Elsewhere {...links} />],
          ]}
        />
        <h2>Next times</h2>
        {schedule.paused && <p class="dim">It is paused: none of these starts a run.</p>}
        {next.length === 0 ? <p class="dim">It never fires again.</p> : <Times times={next} />}
        <h2>Runs</h2>
        {runs.length === 0 ? <p class="dim">None yet.</p> : <JobTable jobs={runs} now={now} choose={false} />}
      </Live>
      <h2>Run it for a range of the past</h2>
      <form class="settings" method="post" action={pageOf.schedule(id, 'backfill')}>
        <label>
          From (RFC 3339, such as 2026-11-01T00:00:00Z)
          <input name="from" required value={backfill?.from ?? ''} />
        </label>
        <label>
          To
          <input name="to" required value={backfill?.to ?? ''} />
        </label>
        {backfill && <Backfill view={backfill.view} />}
        <div class="row">
          <button name="order" value="preview">
            What would it start?
          </button>
          {backfill && backfill.view.total > 0 && (
            <button name="order" value="start" class="primary">
              Start {runsText(backfill.view.total)}
            </button>
          )}
        </div>
      </form>
      <details>
        <summary>Document</summary>
        <pre tabindex={0}>{JSON.stringify(documentOf(schedule), null, 2)}</pre>
      </details>
    </>
  );
}

/** What a schedule was made of, as `schedules apply` takes it. */
function documentOf(schedule: ScheduleView): ScheduleDocument {
  const { id, spec, when, timezone, startAt, endAt, jitter, maxRuns } = schedule;
  const { overlap, catchup, pauseOnFailure, paused, note, notify } = schedule;
  return {
    id,
    spec,
    when,
    timezone,
    startAt,
    endAt,
    jitter,
    maxRuns,
    overlap,
    catchup,
    pauseOnFailure,
    paused,
    note,
    notify,
  };
}

function Times({ times }: { times: readonly string[] }) {
  return (
    <ol class="times">
      {times.map((time) => (
        <li>
          <Moment at={time} exact />
        </li>
      ))}
    </ol>
  );
}

const SHOWN = 20;
const runsText = (total: number) => `${count(total)} ${total === 1 ? 'run' : 'runs'}`;

function Backfill({ view: { times, total, overlap } }: { view: BackfillView }) {
  if (total === 0) return <p class="note">The schedule has no time in this range.</p>;
  return (
    <div class="note">
      <p>
        {runsText(total)}, {overlap === 'bufferAll' ? 'one after the other' : `overlap ${overlap}`}, for:
      </p>
      <Times times={times.slice(0, SHOWN)} />
      {total > SHOWN && <p class="dim">and {count(total - SHOWN)} more</p>}
    </div>
  );
}
