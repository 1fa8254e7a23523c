import { describeTiming } from '../../migrate/describe-timing.js';
import type { Outcome } from '../../migrate/carry-entries.js';
import type { Fate } from '../../migrate/schedule-of-entry.js';
import { describeWhen } from '../../timetable/describe.js';
import { count } from '../../core/figures.js';
import { padEnd, printable } from '../format.js';
import type { Style } from '../style.js';

const SIGNS: Readonly<Record<Fate, string>> = {
  carried: '+',
  'carried with remarks': '~',
  'not carried': '!',
  skipped: '-',
};
const FATES = Object.keys(SIGNS) as Fate[];

/** An entry in a few aligned lines: what it was, what it becomes, when both fire next, and every remark. */
export function outcomeLines(
  { entry, fate, remarks, schedule, document, comparison }: Outcome,
  style: Style,
): string[] {
  const paint = {
    carried: style.green,
    'carried with remarks': style.yellow,
    'not carried': style.red,
    skipped: style.dim,
  }[fate];
  const id = schedule ? ` -> ${schedule.id}` : '';
  const lines = [`${paint(SIGNS[fate])} ${style.bold(printable(entry.name))}${id}  ${paint(fate)}`];
  const fact = (name: string, value: string): void =>
    void lines.push(`    ${style.dim(padEnd(name, 7))} ${printable(value)}`);
  const use = (document?.spec as { process?: { use: string } } | undefined)?.process?.use;
  fact('task', use === undefined ? entry.task : `${entry.task} -> processor ${use}`);
  fact('was', describeTiming(entry.timing));
  if (schedule) {
    const { when, timezone, startAt, endAt, maxRuns, paused } = schedule;
    const more = [
      ...(startAt === undefined ? [] : [`from ${brief(startAt)}`]),
      ...(endAt === undefined ? [] : [`until ${brief(endAt)}`]),
      ...(maxRuns === undefined ? [] : [maxRuns === 1 ? 'one run' : `${maxRuns} runs`]),
      ...(paused ? ['paused'] : []),
    ];
    fact('becomes', [describeWhen(when, timezone), ...more].join('; '));
  }
  if (comparison) {
    fact('next', timesText(comparison.ours));
    fact('Celery', comparison.difference === null ? 'the same' : timesText(comparison.celery));
  }
  for (const remark of remarks) fact(schedule ? 'note' : 'why', remark);
  return lines;
}

/** `3 entries: 2 carried, 1 not carried`. */
export function totalsLine(outcomes: readonly Outcome[]): string {
  const counts = FATES.map((fate) => ({ fate, n: outcomes.filter((outcome) => outcome.fate === fate).length }));
  const entries = outcomes.length === 1 ? 'entry' : 'entries';
  const parts = counts.filter(({ n }) => n > 0).map(({ fate, n }) => `${count(n)} ${fate}`);
  return `${count(outcomes.length)} ${entries}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}

export function outcomeJson({ entry, fate, remarks, document, comparison }: Outcome): Record<string, unknown> {
  return {
    name: entry.name,
    where: entry.where,
    task: entry.task,
    was: describeTiming(entry.timing),
    fate,
    remarks,
    schedule: document ?? null,
    next: comparison ?? null,
  };
}

function timesText(times: readonly Date[]): string {
  return times.length === 0 ? 'never' : times.map((time) => brief(time.toISOString())).join('  ');
}

function brief(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}
