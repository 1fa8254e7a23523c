import type { JobView } from '../core/job.js';
import { compact, count, cut, displayWidth, duration, padStart } from './format.js';
import type { Style } from './style.js';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** The share of the work that is done, 0 to 1: by source bytes where they are known, else by records, else by chunks. */
function shareDone(progress: NonNullable<JobView['progress']>): number {
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

/** What is told of a job in one line, the most telling first. */
function facts(progress: NonNullable<JobView['progress']>): string[] {
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

/** One line for a terminal of `width` columns, never wider. */
export function progressBarLine(job: JobView, width: number, style: Style, label = job.name): string {
  const state = job.state === 'running' ? '' : job.state;
  const head = cut(label, Math.max(8, Math.min(28, width - 24)));
  if (!job.progress || job.progress.chunks.total === 0) return cut([head, state || 'starting'].join('  '), width);
  const share = shareDone(job.progress);
  const percent = padStart(`${Math.floor(share * 100)}%`, 4);
  const tail = state ? [state, ...facts(job.progress)] : facts(job.progress);
  // By the terminal alone, so that the bar does not jump while the facts beside it grow.
  const size = width >= 110 ? 28 : width >= 70 ? 16 : 8;
  const fixed = displayWidth(head) + size + displayWidth(percent) + 4;
  while (tail.length > 0 && fixed + 2 + tail.join('  ').length > width) tail.pop();
  if (fixed > width) return cut([head, percent.trim()].join('  '), width);
  return [head, bar(share, size, style), percent, ...tail].join('  ');
}

/** The same for logs: no bar, nothing cut. */
export function progressPlainLine(job: JobView, label = job.name): string {
  if (!job.progress || job.progress.chunks.total === 0) return `${label}: ${job.state}`;
  return `${label}: ${job.state} ${Math.floor(shareDone(job.progress) * 100)}%, ${facts(job.progress).join(', ')}`;
}

function bar(share: number, size: number, style: Style): string {
  const eighths = Math.floor(share * size * 8);
  const full = Math.floor(eighths / 8);
  const part = EIGHTHS[eighths % 8]!;
  const rest = size - full - part.length;
  return style.cyan('█'.repeat(full) + part) + style.dim('·'.repeat(rest));
}
