import type { JobView } from '../core/job.js';
import { displayWidth } from './format.js';
import { DEFAULT_WIDTH, writeLine, type Out } from './io.js';
import { progressBarLine, progressPlainLine } from './progress-text.js';
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
}

const PLAIN_EVERY_MS = 1000;

/** Progress of a job on `out`: one line drawn over and over on a terminal, a line about once a second elsewhere. */
export function progressLine(out: Out, options: ProgressLineOptions): ProgressLine {
  return out.isTTY ? redrawn(out, options) : logged(out, options);
}

function redrawn(out: Out, { style, label }: ProgressLineOptions): ProgressLine {
  let drawn = 0;
  // A terminal that was made narrower has wrapped the drawn line over several rows: all of them have to go.
  const erase = (columns: number): string => {
    const rows = Math.max(1, Math.ceil(drawn / columns));
    return `${rows > 1 ? `\u001b[${rows - 1}A` : ''}\r\u001b[J`;
  };
  return {
    show(job) {
      const columns = out.columns ?? DEFAULT_WIDTH;
      // The last column stays free: a line that fills its row makes some terminals wrap.
      const text = progressBarLine(job, columns - 1, style, label);
      out.write(erase(columns) + text);
      drawn = displayWidth(text);
    },
    clear() {
      if (drawn > 0) out.write(erase(out.columns ?? DEFAULT_WIDTH));
      drawn = 0;
    },
  };
}

function logged(out: Out, { label, now = Date.now }: ProgressLineOptions): ProgressLine {
  let last = '';
  let lastAt = Number.NEGATIVE_INFINITY;
  return {
    show(job) {
      const text = progressPlainLine(job, label);
      if (text === last || now() - lastAt < PLAIN_EVERY_MS) return;
      writeLine(out, text);
      last = text;
      lastAt = now();
    },
    clear() {},
  };
}
