import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MillraceError, messageOf } from '../../core/errors.js';
import type { Outcome } from '../../migrate/carry-entries.js';
import type { Cli, Register } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { writeJson, writeLine } from '../io.js';
import { collect, jsonOption } from '../options.js';

interface ImportOptions {
  database?: string;
  file?: string;
  dryRun?: boolean;
  out?: string;
  map?: string[];
  timezone: string;
  json?: boolean;
}

export const importCommand: Register = (program, cli) => {
  program
    .command('import')
    .summary('take over the schedules of Celery')
    .description('Take over the schedules of another system')
    .command('celery-beat')
    .description(
      'Make schedules of the periodic tasks of django-celery-beat or of a beat_schedule. The source is only read. Each entry\n' +
        'is shown with what becomes of it, and its next five times here and in Celery. Exit code 1: some cannot be carried.',
    )
    .option('--database <url>', 'postgres://… or the file of an SQLite database')
    .option('--file <file>', 'what "manage.py dumpdata django_celery_beat" wrote, or a beat_schedule as JSON')
    .option('--dry-run', 'only show what would become of them')
    .option('--out <file>', 'write the schedules to a file for "millrace schedules apply" instead of making them')
    .option(
      '--map <task=processor>',
      'the processor of a task (repeatable; default: its name, words joined by "-")',
      collect,
    )
    .option('--timezone <zone>', 'CELERY_TIMEZONE: of the crontabs of a beat_schedule', 'UTC')
    .addOption(jsonOption())
    .action(cli.action((options: ImportOptions) => importBeat(cli, options)));
};

async function importBeat(cli: Cli, options: ImportOptions): Promise<number> {
  const { io, style } = cli;
  const { database, file, timezone, out } = options;
  if ((database === undefined) === (file === undefined))
    throw new MillraceError('usage.import', 'Wanted either --database or --file');
  const { isZone } = await import('../../timetable/zone.js');
  if (!isZone(timezone))
    throw new MillraceError(
      'usage.timezone',
      `--timezone: "${timezone}" is no time zone; wanted such as "Europe/Berlin"`,
    );
  const processors = processorsOf(options.map ?? []);
  const { readSource } = await import('../../migrate/read-source.js');
  const { carryEntries } = await import('../../migrate/carry-entries.js');
  const { outcomeJson, outcomeLines, totalsLine } = await import('../import/import-text.js');
  const entries = await readSource({ database, file, cwd: io.cwd, timezone });
  for (const task of processors.keys()) {
    if (!entries.some((entry) => entry.task === task))
      throw new MillraceError(
        'usage.map',
        `--map ${task}=${processors.get(task)}: there is no entry with task "${task}"`,
      );
  }
  const outcomes = carryEntries(entries, { now: new Date(), processors });
  const total = totalsLine(outcomes);
  if (options.json) {
    writeJson(io.stdout, { entries: outcomes.map(outcomeJson), total });
  } else {
    for (const outcome of outcomes) for (const line of outcomeLines(outcome, style)) writeLine(io.stdout, line);
    writeLine(io.stdout, total);
  }
  const code = outcomes.some(({ fate }) => fate === 'not carried') ? EXIT.failed : 0;
  const carried = outcomes.filter(({ document }) => document);
  // The report on standard output stays one document of JSON.
  const say = (text: string) => writeLine(options.json ? io.stderr : io.stdout, text);
  if (out !== undefined) {
    await writeSchedules(resolve(io.cwd, out), carried);
    say(`${carried.length} schedules are in "${out}"; make them with: millrace schedules apply ${out}`);
  } else if (options.dryRun) {
    say('Nothing was changed');
  } else {
    const { applySchedules } = await import('../schedules/apply.js');
    const written = carried.map(({ entry, document }) => ({
      label: entry.where,
      id: String(document!.id),
      document: document!,
    }));
    await applySchedules(options.json ? { ...cli, io: { ...io, stdout: io.stderr } } : cli, written, { only: true });
  }
  return code;
}

/** @throws MillraceError `usage.map` */
function processorsOf(pairs: readonly string[]): Map<string, string> {
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      const [task, processor] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      if (at < 1 || task === '' || processor === '')
        throw new MillraceError('usage.map', `--map "${pair}": wanted task=processor`);
      return [task, processor];
    }),
  );
}

/** @throws MillraceError `usage.out` */
async function writeSchedules(path: string, carried: readonly Outcome[]): Promise<void> {
  const { stringify } = await import('yaml');
  const text = stringify({ schedules: carried.map(({ document }) => document) }, { lineWidth: 0 });
  try {
    await writeFile(path, `# From celery beat. Make them so with: millrace schedules apply\n${text}`);
  } catch (error) {
    throw new MillraceError('usage.out', `Cannot write "${path}": ${messageOf(error)}`, { cause: error });
  }
}
