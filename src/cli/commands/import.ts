import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from 'commander';
import { MillraceError } from '../../core/errors.js';
import type { Imported, Mapping } from '../../migrate/to-schedules.js';
import type { Cli, Register } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { padEnd, printable } from '../format.js';
import { writeJson, writeLine } from '../io.js';
import { collect, jsonOption } from '../options.js';
import { readText } from '../read-spec.js';
import { applySchedules } from '../schedules/apply.js';

interface ImportOptions {
  database?: string;
  file?: string;
  map?: string[];
  broker?: 'rabbitmq' | 'redis';
  out?: string;
  dryRun?: boolean;
  json?: boolean;
}

export const importCommand: Register = (program, cli) => {
  const group = program.command('import').description('Take over what another system runs');
  group
    .command('celery-beat')
    .description(
      'Take over the periodic tasks of Celery Beat: shows each, what it becomes and its next times by both sides',
    )
    .option('--database <url>', 'of django-celery-beat: postgres://… or a SQLite file')
    .option('--file <json>', 'of "manage.py dumpdata django_celery_beat", or a beat_schedule as JSON')
    .option(
      '-m, --map <task=processor>',
      'the processor of a task (repeatable; default: the one of the same name)',
      collect,
    )
    .addOption(new Option('--broker <name>', 'whose priorities they are').choices(['rabbitmq', 'redis']))
    .option('-o, --out <file>', 'write the schedules there, for "schedules apply", in place of making them')
    .option('--dry-run', 'only show them')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit codes: 0 all were taken over, 1 some cannot be, 64 the database or file is broken: nothing was changed',
    )
    .action(cli.action(async (options: ImportOptions) => importBeat(cli, options)));
};

async function importBeat(cli: Cli, options: ImportOptions): Promise<number> {
  const { beatEntries } = await import('../../migrate/beat-entries.js');
  const { toSchedules } = await import('../../migrate/to-schedules.js');
  const imported = toSchedules(beatEntries(await readTables(cli, options)), mappingOf(options), new Date());
  const documents = imported.flatMap(({ document }) => document ?? []);
  const code = documents.length === imported.length ? EXIT.completed : EXIT.failed;
  if (options.json) writeJson(cli.io.stdout, imported);
  else tellImported(cli, imported);
  if (options.dryRun) {
    if (!options.json) writeLine(cli.io.stdout, cli.style.dim('Nothing was changed'));
    return code;
  }
  if (options.out !== undefined) {
    const { stringify } = await import('yaml');
    await writeFile(resolve(cli.io.cwd, options.out), stringify({ schedules: documents }));
    if (!options.json)
      writeLine(cli.io.stdout, `Written to ${options.out}; next: millrace schedules apply ${options.out}`);
    return code;
  }
  const written = documents.map((document) => ({ id: document.id, label: document.id, document: { ...document } }));
  await applySchedules(cli, written, { quietly: options.json === true });
  return code;
}

async function readTables(cli: Cli, { database, file }: ImportOptions) {
  if ((database === undefined) === (file === undefined)) {
    throw new MillraceError('usage.import', 'Wanted either --database URL or --file JSON');
  }
  const { readDatabase } = await import('../../migrate/read-database.js');
  if (database !== undefined)
    return readDatabase(/^[a-z]+:/i.test(database) ? database : resolve(cli.io.cwd, database));
  const { readFileText } = await import('../../migrate/read-file.js');
  return readFileText(await readText(file!, 'dump', cli.io), `"${file}"`);
}

function mappingOf({ map = [], broker }: ImportOptions): Mapping {
  const pairs = map.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1 || at === pair.length - 1)
      throw new MillraceError('usage.import', `Cannot read --map "${pair}": wanted task=processor`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return { processors: new Map(pairs), ...(broker && { broker }) };
}

function tellImported({ io, style }: Cli, imported: readonly Imported[]): void {
  const fact = (name: string, text: string) => writeLine(io.stdout, `  ${style.dim(padEnd(name, 9))} ${text}`);
  for (const { name, task, document, sentence, ours, theirs, remarks } of imported) {
    writeLine(
      io.stdout,
      `${document ? style.green('+') : style.red('x')} ${style.bold(printable(name))}  ${style.dim(printable(task))}`,
    );
    if (document) {
      fact('schedule', `${document.id}${document.paused ? style.yellow('  paused') : ''}`);
      fact('when', sentence);
      for (let n = 0; n < Math.max(ours.length, theirs.length, 1); n++)
        fact(n === 0 ? 'next' : '', comparison(ours[n], theirs[n]));
    }
    for (const remark of remarks) fact(document ? 'remark' : 'why not', style.yellow(printable(remark)));
  }
  const carried = imported.filter(({ document }) => document !== null).length;
  const remarked = imported.filter(({ document, remarks }) => document !== null && remarks.length > 0).length;
  writeLine(
    io.stdout,
    `${imported.length} entries: ${carried} taken over (${remarked} with remarks), ${imported.length - carried} not`,
  );
}

/** A second more or less is Celery's rounding. */
function comparison(ours: string | undefined, theirs: string | undefined): string {
  const brief = (time: string | undefined) => time?.replace(/\.\d+Z$/, 'Z') ?? 'never';
  if (ours === undefined && theirs === undefined) return 'never; Celery the same';
  const same = ours !== undefined && theirs !== undefined && Math.abs(Date.parse(ours) - Date.parse(theirs)) <= 1000;
  return `${brief(ours)}  ${same ? 'Celery the same' : `Celery ${brief(theirs)}`}`;
}
