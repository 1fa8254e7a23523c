import type { JobState, JobView } from '../core/job.js';
import { elapsedSeconds } from '../core/job-facts.js';
import { toleranceText } from '../core/progress.js';
import { bytes, compact, count, duration } from '../core/figures.js';
import { padEnd, printable } from './format.js';
import type { Style } from './style.js';

export function paintState(state: JobState, style: Style): string {
  if (state === 'completed') return style.green(state);
  if (state === 'failed') return style.red(state);
  if (state === 'completed_with_rejects' || state === 'cancelled') return style.yellow(state);
  return style.cyan(state);
}

/** What an order to a job came to: its state, and how it works from now on. */
export function steeringLines(job: JobView, style: Style): string[] {
  const facts = steeringFacts(job, style).map(([name, value]) => `  ${style.dim(padEnd(name, 9))} ${value}`);
  return [`${job.id} is ${paintState(job.state, style)}`, ...facts];
}

function steeringFacts({ paused, settings }: JobView, style: Style): Array<[string, string]> {
  const facts: Array<[string, string]> = [];
  if (paused !== null) facts.push(['paused', style.yellow(printable(paused))]);
  if (!settings) return facts;
  const { concurrency, rate, rejects, failedChunks, priority } = settings;
  const limit =
    rate && ('records' in rate ? `${+rate.records.toFixed(3)} records/s` : `${+rate.chunks.toFixed(3)} chunks/s`);
  facts.push([
    'settings',
    [
      `${count(concurrency)} at once`,
      ...(limit ? [`at most ${limit}`] : []),
      `${toleranceText(rejects)} rejects`,
      `${toleranceText(failedChunks)} failed chunks`,
      `priority ${priority}`,
    ].join(', '),
  ]);
  return facts;
}

/** A job in a few aligned lines: what it is, how far it is, where its output lies, what went wrong. `api`: what its links are relative to. */
export function jobLines(job: JobView, style: Style, now: number, api: string): string[] {
  const seconds = elapsedSeconds(job, now);
  const lines = [
    `${paintState(job.state, style)}  ${style.bold(printable(job.name))}  ${job.id}  ${style.dim(duration(seconds))}`,
  ];
  const fact = (name: string, value: string): void => {
    lines.push(`  ${style.dim(padEnd(name, 9))} ${value}`);
  };
  fact('processor', printable(job.processor));
  if (job.source) fact('source', printable(job.source));
  if (job.startsAt !== null && job.state === 'pending') fact('begins', job.startsAt.replace('.000Z', 'Z'));
  if (job.schedule) {
    const time = job.schedule.time === null ? '' : style.dim(`  for ${job.schedule.time.replace('.000Z', 'Z')}`);
    fact('schedule', `${printable(job.schedule.id)}${time}`);
  }
  const counts = job.result?.counts ?? job.progress?.records;
  if (counts) {
    const { in: read, used, filtered, rejected, out } = counts;
    const rate = seconds > 0 && read > 0 ? style.dim(`  ${compact(read / seconds)}/s`) : '';
    fact(
      'records',
      `${count(read)} in: ${count(used)} used, ${count(filtered)} filtered, ${count(rejected)} rejected; ${count(out)} out${rate}`,
    );
  }
  if (job.progress && !job.result) {
    const { total, done, running, failed } = job.progress.chunks;
    fact('chunks', `${count(done)} of ${count(total)} done, ${count(running)} running, ${count(failed)} failed`);
  }
  for (const line of steeringFacts(job, style)) fact(...line);
  if (job.result) {
    const { output, rejects } = job.result;
    const where = output.inWorkArea ? new URL(job.links.output, api).href : output.uri;
    fact('output', `${printable(where)}  ${style.dim(`${output.format}, ${bytes(output.bytes)}`)}`);
    if (rejects) fact('rejects', `${count(rejects.records)}  ${style.dim(`see: millrace jobs rejects ${job.id}`)}`);
  }
  if (job.result?.failedChunks) {
    const where = style.dim(`the manifest names them: ${new URL(job.links.manifest, api).href}`);
    fact('failed', `${count(job.result.failedChunks)} chunks  ${where}`);
  }
  fact('page', new URL(`/jobs/${job.id}`, api).href);
  if (job.links.temporal) fact('temporal', job.links.temporal);
  if (job.stale) fact('note', style.yellow('no worker answered in time; the progress is missing or old'));
  for (const warning of job.warnings) fact('warning', style.yellow(printable(warning)));
  if (job.error) fact('error', style.red(`${job.error.code}: ${printable(job.error.message)}`));
  return lines;
}
