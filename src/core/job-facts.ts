/** What is told of a job wherever it is shown. */
import { compact, count, duration } from './figures.js';
import type { JobView } from './job.js';

/** The share of the work that is done, 0 to 1: by source bytes where they are known, else by records, else by chunks. */
export function shareDone(progress: NonNullable<JobView['progress']>): number {
  const { bytes, records, expectedRecords, chunks } = progress;
  const share =
    bytes.total > 0
      ? bytes.done / bytes.total
      : expectedRecords > 0
        ? records.in / expectedRecords
        : chunks.total > 0
          ? chunks.done / chunks.total
          : 0;
  return Math.min(1, Math.max(0, share));
}

/** Seconds from the start to the end, or to `now`. */
export function elapsedSeconds(job: JobView, now: number): number {
  return Math.max(0, ((job.finishedAt ? Date.parse(job.finishedAt) : now) - Date.parse(job.createdAt)) / 1000);
}

/** What is told of a job in one line, the most telling first. */
export function progressFacts(progress: NonNullable<JobView['progress']>): string[] {
  const { records, expectedRecords, rate, eta, chunks } = progress;
  const list = [
    expectedRecords > 0
      ? `${compact(records.in)} of ${compact(expectedRecords)} records`
      : `${compact(records.in)} records`,
  ];
  if (rate > 0) list.push(`${compact(rate)}/s`);
  if (chunks.total > 0) list.push(`chunk ${chunks.done}/${chunks.total}`);
  if (chunks.failed > 0) list.push(`${count(chunks.failed)} failed`);
  if (records.rejected > 0) list.push(`${count(records.rejected)} rejected`);
  if (eta !== null && eta > 0) list.push(`${eta < 10 ? `${Math.ceil(eta)} s` : duration(eta)} left`);
  return list;
}
