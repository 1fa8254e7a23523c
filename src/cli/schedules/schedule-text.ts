import type { BackfillView, ScheduleRow, ScheduleView } from '../../core/schedule-view.js';
import type { Upcoming } from '../../schema/schedule-views.js';
import { localTime } from '../../timetable/local-time.js';
import { count } from '../../core/figures.js';
import { padEnd, printable } from '../format.js';
import { paintState } from '../job-text.js';
import type { Style } from '../style.js';
import { tableLines } from '../table.js';

/** `2026-12-01T06:00:00.000Z` without what is always the same. */
const brief = (time: string) => time.replace(/\.\d+Z$/, 'Z');

export function listLines(rows: readonly ScheduleRow[], style: Style, width: number): string[] {
  const columns = [
    { name: 'id', min: 24 },
    { name: 'when', min: 8 },
    { name: 'next', min: 20 },
    { name: 'last', min: 20 },
  ];
  const cells = rows.map((row) => [
    row.id,
    row.sentence,
    row.paused ? 'paused' : row.next === null ? 'never' : brief(row.next),
    row.last === null ? '' : brief(row.last.time),
  ]);
  return tableLines(columns, cells, { width, style });
}

/** A schedule in a few aligned lines: when it fires, what comes, what was, and what did not come to be and why. */
export function scheduleLines(schedule: ScheduleView, style: Style): string[] {
  const { timezone, counts } = schedule;
  const lines = [`${style.bold(schedule.id)}  ${schedule.paused ? style.yellow('paused') : style.green('active')}`];
  const fact = (name: string, value: string): void => void lines.push(`  ${style.dim(padEnd(name, 9))} ${value}`);
  fact('when', schedule.sentence);
  if (schedule.reason) fact('paused', style.yellow(printable(schedule.reason)));
  if (schedule.note) fact('note', printable(schedule.note));
  const bounds = [
    ...(schedule.startAt === undefined ? [] : [`from ${schedule.startAt}`]),
    ...(schedule.endAt === undefined ? [] : [`until ${schedule.endAt}`]),
    ...(schedule.remainingRuns === null ? [] : [`${count(schedule.remainingRuns)} runs left`]),
  ];
  if (bounds.length > 0) fact('bounds', bounds.join(', '));
  const failing = schedule.pauseOnFailure ? '; a failed run pauses it' : '';
  fact('rules', `overlap ${schedule.overlap}, catches up ${String(schedule.catchup)}${failing}`);
  const passed = [
    `${count(counts.started)} started`,
    `${count(counts.missed)} missed`,
    `${count(counts.skipped)} skipped`,
  ];
  fact('runs', passed.join(', '));
  if (counts.missed > 0)
    fact('', style.yellow(`missed: no server started them within ${String(schedule.catchup)} (catchup)`));
  if (counts.skipped > 0) fact('', style.yellow(`skipped: a run was open (overlap ${schedule.overlap})`));
  schedule.next.forEach((time, n) => fact(n === 0 ? 'next' : '', timeLine(time, timezone, style)));
  if (schedule.next.length === 0) fact('next', 'never');
  schedule.recent.forEach(({ time, job, state }, n) =>
    fact(
      n === 0 ? 'last' : '',
      `${timeLine(time, timezone, style)}  ${state ? paintState(state, style) : ''}  ${printable(job)}`,
    ),
  );
  if (schedule.links.temporal) fact('temporal', schedule.links.temporal);
  for (const warning of schedule.warnings) fact('warning', style.yellow(printable(warning)));
  return lines;
}

export function upcomingLines({ sentence, timezone, times }: Upcoming, style: Style): string[] {
  const lines = times.map(({ time }) => `  ${timeLine(time, timezone, style)}`);
  return [sentence, ...(lines.length > 0 ? lines : ['  never'])];
}

export function backfillLines({ times, total, overlap, started }: BackfillView, style: Style): string[] {
  const runs = `${count(total)} ${total === 1 ? 'run' : 'runs'}`;
  const lines = times.map((time) => `  ${brief(time)}`);
  if (total > times.length) lines.push(style.dim(`  … ${count(total - times.length)} more`));
  return [...lines, started ? `${runs} started (overlap ${overlap})` : `${runs} would start (overlap ${overlap})`];
}

function timeLine(time: string, timezone: string, style: Style): string {
  if (timezone === 'UTC') return brief(time);
  return `${localTime(new Date(time), timezone)}  ${style.dim(brief(time))}`;
}
