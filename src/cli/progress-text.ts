import type { JobView } from '../core/job.js';
import { progressFacts, shareDone } from '../core/job-facts.js';
import { cut, displayWidth, padStart } from './format.js';
import type { Style } from './style.js';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** One line for a terminal of `width` columns, never wider. */
export function progressBarLine(job: JobView, width: number, style: Style, label = job.name): string {
  const state = job.state === 'running' ? '' : job.state;
  const head = cut(label, Math.max(8, Math.min(28, width - 24)));
  if (!job.progress || job.progress.chunks.total === 0) return cut([head, state || 'starting'].join('  '), width);
  const share = shareDone(job.progress);
  const percent = padStart(`${Math.floor(share * 100)}%`, 4);
  const tail = state ? [state, ...progressFacts(job.progress)] : progressFacts(job.progress);
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
  return `${label}: ${job.state} ${Math.floor(shareDone(job.progress) * 100)}%, ${progressFacts(job.progress).join(', ')}`;
}

function bar(share: number, size: number, style: Style): string {
  const eighths = Math.floor(share * size * 8);
  const full = Math.floor(eighths / 8);
  const part = EIGHTHS[eighths % 8]!;
  const rest = size - full - part.length;
  return style.cyan('█'.repeat(full) + part) + style.dim('·'.repeat(rest));
}
