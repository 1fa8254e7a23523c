import { MillraceError } from '../core/errors.js';
import type { JobView } from '../core/job.js';
import { elapsedSeconds } from '../core/job-facts.js';
import { count, duration } from '../core/figures.js';
import type { ApiClient } from './api-client.js';
import { followToEnd, patience } from './follow-to-end.js';
import { cut, displayWidth, padEnd, printable, wrap } from './format.js';
import { widthOf, writeLine, type Io, type Out } from './io.js';
import { paintState } from './job-text.js';
import { barWidth, progressLine } from './progress-line.js';
import { progressBarLine } from './progress-text.js';
import { redraw } from './redraw.js';
import type { Style } from './style.js';

/** A job that is watched beside others, as far as it is known. */
export interface Watched {
  id: string;
  /** Absent until the first answer, or where there never was one. */
  job?: JobView;
  /** It has ended, or cannot be followed. */
  over: boolean;
  /** Why it cannot be followed: such as that there is no such job. */
  error?: MillraceError;
}

interface Options {
  io: Io;
  style: Style;
  /** Show nothing where standard error is no terminal. */
  quiet: boolean;
}

/** So many questions a second at most, over all jobs. */
const QUESTIONS_PER_SECOND = 20;
/** Where there is no terminal, so many lines a second at most. */
const LINES_PER_SECOND = 4;
const DRAW_MS = 100;
const DEFAULT_ROWS = 24;

/**
 * Follows jobs to their ends, a line a job on standard error. One that is not there, or vanishes, is over with its error and the
 * others go on. Null when Ctrl-C ended the watching.
 * @throws MillraceError where the API stays away, or refuses all
 */
export async function watchJobs(
  client: ApiClient,
  ids: readonly string[],
  options: Options,
): Promise<Watched[] | null> {
  const { io, style, quiet } = options;
  const watched: Watched[] = ids.map((id) => ({ id, over: false }));
  const board =
    quiet && !io.stderr.isTTY ? SILENT : io.stderr.isTTY ? drawn(io.stderr, style) : logged(io.stderr, style);
  const stop = new AbortController();
  const stopListening = io.onInterrupt(() => stop.abort());
  const shared = patience((text) => board.say(style.yellow(wrap(text, widthOf(io.stderr)))));
  const maxMs = Math.max(1000, (ids.length / QUESTIONS_PER_SECOND) * 1000);
  const follow = async (one: Watched): Promise<void> => {
    try {
      const ended = await followToEnd(client, one.id, {
        signal: stop.signal,
        patience: shared,
        maxMs,
        show(job) {
          one.job = job;
          board.show(watched, one);
        },
      });
      if (!ended) return;
      one.job = ended;
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'job.not_found') throw error;
      one.error = error;
    }
    one.over = true;
    board.show(watched, one);
  };
  try {
    await Promise.all(watched.map(follow));
  } catch (error) {
    stop.abort();
    throw error;
  } finally {
    stopListening();
    board.end();
  }
  return stop.signal.aborted ? null : watched;
}

/** Where the jobs are shown while they are watched. */
interface Board {
  show(all: readonly Watched[], changed: Watched): void;
  say(text: string): void;
  end(): void;
}

const SILENT: Board = { show: () => undefined, say: () => undefined, end: () => undefined };

function drawn(out: Out, style: Style): Board {
  const block = redraw(out);
  let all: readonly Watched[] = [];
  let due: NodeJS.Timeout | undefined;
  const draw = (): void => {
    due = undefined;
    block.draw(boardLines(all, barWidth(out), (out.rows ?? DEFAULT_ROWS) - 1, style));
  };
  return {
    show(watched) {
      all = watched;
      due ??= setTimeout(draw, DRAW_MS);
    },
    say(text) {
      block.clear();
      writeLine(out, text);
    },
    end() {
      clearTimeout(due);
      block.clear();
    },
  };
}

function logged(out: Out, style: Style): Board {
  const lines = new Map<string, ReturnType<typeof progressLine>>();
  return {
    show(all, one) {
      const label = `${one.job?.name ?? 'job'} ${one.id}`;
      if (one.over) return writeLine(out, `${printable(label)}: ${endText(one, style)}`);
      const everyMs = Math.max(1000, (all.length / LINES_PER_SECOND) * 1000);
      const line = lines.get(one.id) ?? progressLine(out, { style, label, everyMs });
      lines.set(one.id, line);
      if (one.job) line.show(one.job);
    },
    say: (text) => writeLine(out, text),
    end: () => undefined,
  };
}

/** A line a job, those that are open first where not all have room; none wider than `width`. */
export function boardLines(all: readonly Watched[], width: number, rows: number, style: Style): string[] {
  const labels = labelsOf(all);
  const size = Math.min(Math.max(...labels.map(displayWidth)), Math.max(8, Math.min(28, width - 24)));
  const lineOf = (one: Watched, n: number): string => {
    const label = padEnd(cut(labels[n]!, size), size);
    if (one.over) {
      const text = endText(one, style);
      return displayWidth(text) + size + 2 <= width ? `${label}  ${text}` : cut(`${label}  ${endWord(one)}`, width);
    }
    return one.job ? progressBarLine(one.job, width, style, label) : cut(`${label}  …`, width);
  };
  const lines = all.map(lineOf);
  if (all.length <= rows) return lines;
  const open = lines.filter((_, n) => !all[n]!.over);
  const shown = [...open, ...lines.filter((_, n) => all[n]!.over)].slice(0, Math.max(0, rows - 1));
  return [
    ...shown,
    style.dim(cut(`… ${count(all.length - shown.length)} more, ${count(open.length)} open in all`, width)),
  ];
}

/** The name; where several have the same, with the end of the id, which differs. */
function labelsOf(all: readonly Watched[]): string[] {
  const names = all.map(({ job, id }) => printable(job?.name ?? id));
  return names.map((name, n) =>
    names.indexOf(name) === names.lastIndexOf(name) ? name : `${all[n]!.id.slice(-6)} ${name}`,
  );
}

function endWord({ job, error }: Watched): string {
  return error ? error.code : (job?.state ?? '');
}

function endText(one: Watched, style: Style): string {
  const { job, error } = one;
  if (error || !job) return style.red(endWord(one));
  const took = duration(elapsedSeconds(job, Date.now()));
  const rejected = job.result?.counts.rejected ?? 0;
  const facts = [paintState(job.state, style), took, ...(rejected > 0 ? [`${count(rejected)} rejected`] : [])];
  return [...facts, ...(job.error ? [style.red(job.error.code)] : [])].join('  ');
}
