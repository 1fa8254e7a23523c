import { MillraceError } from '../../core/errors.js';
import type { Issue } from '../../core/errors.js';
import type { ScheduleDocument } from '../../core/schedule.js';
import { describeWhen } from '../../timetable/describe.js';
import { parseSchedule } from '../../schema/schedule.js';
import type { SchedulesClient } from '../api-client.js';
import type { Cli } from '../context.js';
import { printable } from '../format.js';
import { writeJson, writeLine } from '../io.js';
import { difference } from './difference.js';
import type { ChangedField } from './difference.js';
import type { WrittenSchedule } from './read-documents.js';

export interface ApplyOptions {
  /** Removes the schedules that are not written. */
  prune?: boolean;
  /** Says nothing of the schedules that are not written. */
  only?: boolean;
  /** Changes nothing. */
  dryRun?: boolean;
  json?: boolean;
}

interface Change {
  id: string;
  action: 'make' | 'change' | 'remove' | 'keep';
  fields: ChangedField[];
  warnings: string[];
  document?: ScheduleDocument;
}

const SIGNS: Record<Change['action'], string> = { make: '+', change: '~', remove: '-', keep: '=' };
const SHOWN = 100;

/**
 * Makes the schedules of the server those that are written: shows the difference, then makes it so. All are checked before
 * the first is changed; doing it again changes nothing.
 * @throws MillraceError `schedule.invalid` with the faults of all of them
 */
export async function applySchedules(
  cli: Cli,
  written: readonly WrittenSchedule[],
  options: ApplyOptions,
): Promise<void> {
  const { schedules } = await cli.client();
  const { changes, others } = await compare(schedules, written, options.prune === true);
  if (!options.json) for (const change of changes) tellChange(cli, change);
  if (!options.dryRun) {
    for (const { id, action, document } of changes) {
      if (action === 'remove') await removed(schedules, id);
      else if (action !== 'keep') await schedules.put(id, document);
    }
  }
  if (options.json) {
    const told = changes.map(({ document: _whole, ...change }) => change);
    return writeJson(cli.io.stdout, { dryRun: options.dryRun === true, changes: told, others });
  }
  tellSum(cli, changes, others, options);
}

async function compare(schedules: SchedulesClient, written: readonly WrittenSchedule[], prune: boolean) {
  const known = new Set((await schedules.list()).map(({ id }) => id));
  const changes: Change[] = [];
  const faults: Issue[] = [];
  for (const { id, label, document } of written) {
    try {
      const current = await viewOf(schedules, id);
      // Whether it is paused is for those to say who run it, unless it is written.
      const kept = current && document.paused === undefined ? { ...document, paused: current.paused } : document;
      const checked = await schedules.check(kept);
      const fields = current ? difference(current, checked.document) : [];
      const action = !current ? 'make' : fields.length > 0 ? 'change' : 'keep';
      changes.push({ id, action, fields, warnings: checked.warnings, document: checked.document });
    } catch (error) {
      if (!(error instanceof MillraceError) || error.retryable) throw error;
      const issues = error.issues.length > 0 ? error.issues : [{ path: '', message: error.message }];
      faults.push(...issues.map(({ path, message }) => ({ path: `${label}${path && ` ${path}`}`, message })));
    }
  }
  if (faults.length > 0) {
    const count = `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`;
    throw new MillraceError('schedule.invalid', `${count} in the schedules; nothing was changed`, { issues: faults });
  }
  const others = [...known].filter((id) => !written.some((one) => one.id === id)).sort();
  if (prune) for (const id of others) changes.push({ id, action: 'remove', fields: [], warnings: [] });
  return { changes, others: prune ? [] : others };
}

async function viewOf(schedules: SchedulesClient, id: string): Promise<ScheduleDocument | null> {
  return schedules.view(id).catch(nullIfNone);
}

/** The list of the server may still name one that was removed. */
async function removed(schedules: SchedulesClient, id: string): Promise<void> {
  await schedules.remove(id).catch(nullIfNone);
}

function nullIfNone(error: unknown): null {
  if (error instanceof MillraceError && error.code === 'schedule.not_found') return null;
  throw error;
}

function tellChange({ io, style }: Cli, { id, action, fields, warnings, document }: Change): void {
  if (action === 'keep') return;
  const paint = { make: style.green, change: style.yellow, remove: style.red }[action];
  const sentence = document ? `  ${style.dim(sentenceOf(document))}` : '';
  writeLine(io.stdout, `${paint(`${SIGNS[action]} ${id}`)}${sentence}`);
  for (const { path, from, to } of fields) writeLine(io.stdout, `    ${path}: ${shown(from)} -> ${shown(to)}`);
  for (const warning of warnings) writeLine(io.stdout, `    ${style.yellow(printable(warning))}`);
}

function sentenceOf(document: ScheduleDocument): string {
  const { when, timezone } = parseSchedule(document).schedule;
  return describeWhen(when, timezone);
}

function shown(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = JSON.stringify(value);
  return printable(text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`);
}

function tellSum(
  { io, style }: Cli,
  changes: readonly Change[],
  others: readonly string[],
  { dryRun, only }: ApplyOptions,
): void {
  const count = (action: Change['action']) => changes.filter((change) => change.action === action).length;
  const words = [
    `${count('make')} made`,
    `${count('change')} changed`,
    `${count('remove')} removed`,
    `${count('keep')} as they were`,
  ];
  writeLine(io.stdout, `${dryRun ? 'It would be: ' : ''}${words.join(', ')}`);
  if (dryRun) writeLine(io.stdout, style.dim('Nothing was changed'));
  if (others.length === 0 || only) return;
  const names = `${others.slice(0, 5).join(', ')}${others.length > 5 ? ', …' : ''}`;
  const many = others.length === 1 ? '1 schedule is' : `${others.length} schedules are`;
  writeLine(io.stdout, style.dim(`${many} not written here (${names}); --prune removes them`));
}
