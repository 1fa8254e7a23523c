import type { JobView } from '../core/job.js';
import { DEFAULT_WIDTH, writeLine, type Out } from './io.js';
import { progressBarLine, progressPlainLine } from './progress-text.js';
import { redraw } from './redraw.js';
import type { Style } from './style.js';

export interface ProgressLine {
  show(job: JobView): void;
  /** Takes the line away, so that other text can be written where it stood. */
  clear(): void;
}

export interface ProgressLineOptions {
  style: Style;
  /** Milliseconds; a test's clock. */
  now?: () => number;
  label?: string;
  /** Where `out` is no terminal: a line at most so often. Default: a second. */
  everyMs?: number;
}

const PLAIN_EVERY_MS = 1000;

/** Progress of a job on `out`: one line drawn over and over on a terminal, a line about once a second elsewhere. */
export function progressLine(out: Out, options: ProgressLineOptions): ProgressLine {
  return out.isTTY ? redrawn(out, options) : logged(out, options);
}

/** Columns that a drawn line may take. The last one stays free: a line that fills its row makes some terminals wrap. */
export function barWidth(out: Out): number {
  return (out.columns ?? DEFAULT_WIDTH) - 1;
}

function redrawn(out: Out, { style, label }: ProgressLineOptions): ProgressLine {
  const line = redraw(out);
  return {
    show: (job) => line.draw([progressBarLine(job, barWidth(out), style, label)]),
    clear: () => line.clear(),
  };
}

function logged(out: Out, { label, now = Date.now, everyMs = PLAIN_EVERY_MS }: ProgressLineOptions): ProgressLine {
  let last = '';
  let lastAt = Number.NEGATIVE_INFINITY;
  return {
    show(job) {
      const text = progressPlainLine(job, label);
      if (text === last || now() - lastAt < everyMs) return;
      writeLine(out, text);
      last = text;
      lastAt = now();
    },
    clear() {},
  };
}
