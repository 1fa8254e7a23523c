import { isTableUri } from '../core/table-uri.js';
import type { ChunkRow } from '../core/chunk-view.js';
import { bytes, compact, count, duration } from '../core/figures.js';
import { isEndState } from '../core/job.js';
import type { JobView } from '../core/job.js';
import { elapsedSeconds } from '../core/job-facts.js';
import { toleranceText } from '../core/progress.js';
import type { Reject } from '../core/records.js';
import type { JobSettings } from '../core/settings.js';
import { MAX_LANES } from '../core/window.js';
import { ChunkStrip, Throughput, throughput } from './chunk-strip.js';
import { Progress } from './jobs-page.js';
import { Elsewhere, Facts, Live, Moment, Order, RowTable, State, Table } from './parts.js';
import { pageOf } from './paths.js';

/** Failed and struggling chunks that are listed. */
const MAX_TROUBLES = 50;

export interface JobPageProps {
  job: JobView;
  chunks: ChunkRow[];
  /** The first rows of a result that is small; null where it is not, or is none. */
  rows: Array<Record<string, unknown>> | null;
  rejects: Reject[];
  spec: unknown;
  now: number;
}

/** One job: how it stands, what can be done with it, what it gave. */
export function JobPage({ job, chunks, rows, rejects, spec, now }: JobPageProps) {
  return (
    <>
      <Live id="standing">
        <div class="row">
          <h1>{job.name}</h1>
          <State state={job.state} />
          <span class="push"></span>
          <Orders job={job} />
        </div>
        <Notes job={job} />
        <Progress job={job} />
        <Standing job={job} now={now} />
      </Live>
      {job.settings && !isEndState(job.state) && <Settings id={job.id} settings={job.settings} />}
      <Live id="chunks">
        {chunks.length > 0 && <h2>Chunks</h2>}
        <ChunkStrip rows={chunks} />
        <Throughput rates={throughput(chunks, Date.parse(job.createdAt), Date.parse(job.finishedAt ?? '') || now)} />
        <Troubles rows={chunks} />
      </Live>
      <Live id="result">
        {job.result && <Result job={job} result={job.result} rows={rows} />}
        {job.result?.rejects && <Rejects job={job} total={job.result.rejects.records} rejects={rejects} />}
      </Live>
      <details>
        <summary>Spec</summary>
        <pre tabindex={0}>{JSON.stringify(spec, null, 2)}</pre>
        <a href={`/submit?from=${encodeURIComponent(job.id)}`}>Start a job like this one</a>
      </details>
    </>
  );
}

function Orders({ job }: { job: JobView }) {
  const to = (order: string) => pageOf.job(job.id, order);
  if (!isEndState(job.state)) {
    return (
      <div class="row">
        {job.state === 'paused' ? (
          <Order to={to('resume')} label="Resume" kind="primary" />
        ) : (
          <Order to={to('pause')} label="Pause" />
        )}
        <Order to={to('cancel')} label="Cancel" kind="danger" confirm="Cancel this job?" />
      </div>
    );
  }
  const clean = job.state === 'completed' && !job.result?.failedChunks;
  if (clean) return null;
  return <Order to={to('retry')} label="Retry only what failed" kind="primary" />;
}

function Notes({ job }: { job: JobView }) {
  return (
    <>
      {job.error && (
        <div class="note note-bad" role="alert">
          <code>{job.error.code}</code>
          <p>{job.error.message}</p>
        </div>
      )}
      {job.paused !== null && <p class="note">Paused: {job.paused}</p>}
      {job.stale && !isEndState(job.state) && (
        <p class="note">No worker answered in time: what is shown may be old. See the workers.</p>
      )}
      {job.warnings.map((warning) => (
        <p class="note">{warning}</p>
      ))}
    </>
  );
}

function Standing({ job, now }: { job: JobView; now: number }) {
  const records = job.result?.counts ?? job.progress?.records;
  const seconds = elapsedSeconds(job, now);
  const { progress } = job;
  return (
    <Facts
      facts={[
        ['Records in', records && count(records.in)],
        ['used', records && count(records.used)],
        ['filtered', records && records.filtered > 0 && count(records.filtered)],
        ['rejected', records && count(records.rejected)],
        ['Records out', records && count(records.out)],
        ['Rate', records && seconds > 0 && records.in > 0 && `${compact(records.in / seconds)}/s`],
        [
          'Bytes',
          progress && progress.bytes.total > 0 && `${bytes(progress.bytes.done)} of ${bytes(progress.bytes.total)}`,
        ],
        ['Time left', progress?.eta && !isEndState(job.state) ? duration(progress.eta) : null],
        ['Took', duration(seconds)],
        ['Started', <Moment at={job.createdAt} />],
        ['Begins', job.state === 'pending' && job.startsAt && <Moment at={job.startsAt} />],
        ['Ended', job.finishedAt && <Moment at={job.finishedAt} />],
        ['Processor', job.processor],
        ['Source', job.source],
        ['Schedule', job.schedule && <a href={pageOf.schedule(job.schedule.id)}>{job.schedule.id}</a>],
        ['For', job.schedule?.time && <Moment at={job.schedule.time} />],
        ['Retries', job.generation > 0 && String(job.generation)],
        ['Id', <code>{job.id}</code>],
        ['More', <Elsewhere {...job.links} />],
      ]}
    />
  );
}

/** What the form shows of the settings; the same words come back, and what was not touched is not sent on. */
export type SettingTexts = Record<keyof JobSettings | 'rateOf', string>;

function settingTexts({ concurrency, rate, rejects, failedChunks, priority }: JobSettings): SettingTexts {
  const perSecond = rate && ('records' in rate ? rate.records : rate.chunks);
  return {
    concurrency: String(concurrency),
    rate: perSecond === null ? '' : `${+perSecond.toFixed(3)}/s`,
    rateOf: rate && 'chunks' in rate ? 'chunks' : 'records',
    rejects: rejects === null ? '' : toleranceText(rejects),
    failedChunks: failedChunks === null ? '' : toleranceText(failedChunks),
    priority: String(priority),
  };
}

function Settings({ id, settings }: { id: string; settings: JobSettings }) {
  const texts = settingTexts(settings);
  return (
    <details>
      <summary>Change how it works</summary>
      <form class="settings" method="post" action={pageOf.job(id, 'settings')}>
        {Object.entries(texts).map(([name, value]) => (
          <input type="hidden" name={`was.${name}`} value={value} />
        ))}
        <label>
          Chunk activities at once: <output>{texts.concurrency}</output>
          <input
            type="range"
            name="concurrency"
            min="1"
            max={String(MAX_LANES)}
            value={texts.concurrency}
            data-output
          />
        </label>
        <label>
          At most (such as 500/s, 30/m; empty: no limit)
          <span class="row">
            <input name="rate" value={texts.rate} />
            <select name="rateOf" aria-label="of what">
              <option selected={texts.rateOf === 'records'}>records</option>
              <option selected={texts.rateOf === 'chunks'}>chunks</option>
            </select>
          </span>
        </label>
        <label>
          Rejected records to bear (a count, or such as 0.1 %)
          <input name="rejects" value={texts.rejects} />
        </label>
        <label>
          Failed chunks to bear
          <input name="failedChunks" value={texts.failedChunks} />
        </label>
        <label>
          Priority, 1 is first
          <input type="number" name="priority" min="1" max="5" value={texts.priority} />
        </label>
        <button class="primary">Change</button>
      </form>
    </details>
  );
}

/** Chunks that were given up, and those that are at a second attempt or later. */
function Troubles({ rows }: { rows: readonly ChunkRow[] }) {
  const troubles = rows.filter(({ state, error }) => state === 'failed' || error !== null);
  if (troubles.length === 0) return null;
  return (
    <>
      <Table
        label="Failed chunks"
        caption="Failed, or being tried again"
        columns={['Chunks', 'State', 'Attempt', 'What it failed of']}
      >
        {troubles.slice(0, MAX_TROUBLES).map(({ from, to, state, attempt, error }) => (
          <tr>
            <th scope="row">{to - from === 1 ? count(from + 1) : `${count(from + 1)}–${count(to)}`}</th>
            <td>{state === 'failed' ? 'given up' : 'at work'}</td>
            <td class="number">{attempt ?? '–'}</td>
            <td>
              <code>{error?.code}</code> {error?.message}
            </td>
          </tr>
        ))}
      </Table>
      {troubles.length > MAX_TROUBLES && <p class="dim">and {count(troubles.length - MAX_TROUBLES)} more</p>}
    </>
  );
}

function Result({
  job,
  result,
  rows,
}: {
  job: JobView;
  result: NonNullable<JobView['result']>;
  rows: JobPageProps['rows'];
}) {
  const { output } = result;
  return (
    <section>
      <h2>Result</h2>
      <p>
        {count(output.records)} records, {bytes(output.bytes)} of {output.format}
        {output.inWorkArea ? ' kept by the service' : ` in ${output.uri}`} ·{' '}
        {output.single && !isTableUri(output.uri) && (
          <>
            <a href={job.links.output} download="">
              Download
            </a>
            {' · '}
          </>
        )}
        <a href={job.links.manifest}>Manifest</a>
      </p>
      {rows && rows.length > 0 && (
        <RowTable caption="Rows" columns={output.columns.map(({ name }) => name)} rows={rows} total={output.records} />
      )}
    </section>
  );
}

function Rejects({ job, total, rejects }: { job: JobView; total: number; rejects: readonly Reject[] }) {
  return (
    <section>
      <h2>Rejected records</h2>
      <Table label="Rejected records" columns={['Where', 'Why', 'Record as it stood']}>
        {rejects.map(({ source, line, record, code, message, raw }) => (
          <tr>
            <th scope="row">
              {source}
              <span class="dim small">
                {line !== null ? `line ${count(line)}` : record !== null ? `record ${count(record)}` : ''}
              </span>
            </th>
            <td>
              <code>{code}</code> {message}
            </td>
            <td>
              <code class="raw">{raw}</code>
            </td>
          </tr>
        ))}
      </Table>

      <p class="dim">
        {total > rejects.length && `The first ${count(rejects.length)} of ${count(total)}. `}
        <a href={job.links.rejects} download={`${job.id}.rejects.ndjson`}>
          Download all
        </a>
        ; mend <code>raw</code> and give the file back: <code>millrace jobs retry {job.id} --rejects FILE</code>
      </p>
    </section>
  );
}
