import { Option } from 'commander';
import { OVERLAPS } from '../../core/schedule.js';
import type { Cli, Register } from '../context.js';
import { widthOf, writeJson, writeLine } from '../io.js';
import { jsonOption, wholeNumber } from '../options.js';
import type { ApplyOptions } from '../schedules/apply.js';
import { readDocuments } from '../schedules/read-documents.js';
import { printJobs } from '../jobs-table.js';

/** Zones, calendars and schemas take a quarter of a second to load: only what needs them waits for them. */
const texts = () => import('../schedules/schedule-text.js');

interface Json {
  json?: boolean;
}

export const schedulesCommand: Register = (program, cli) => {
  const schedules = program.command('schedules').description('Run jobs again and again, at times of a rule');
  const { io, style } = cli;
  const client = async () => (await cli.client()).schedules;
  const say = (lines: readonly string[]) => lines.forEach((line) => writeLine(io.stdout, line));

  schedules
    .command('list', { isDefault: true })
    .description('List the schedules')
    .addOption(jsonOption())
    .action(
      cli.action(async ({ json }: Json) => {
        const rows = await (await client()).list();
        if (json) return writeJson(io.stdout, rows);
        const { listLines } = await texts();
        say(rows.length === 0 ? ['No schedules'] : listLines(rows, style, widthOf(io.stdout)));
      }),
    );

  schedules
    .command('show')
    .description('Show a schedule: when it fires, what comes, what was, what was missed and why')
    .argument('<id>')
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, { json }: Json) => {
        const schedule = await (await client()).view(id);
        if (json) return writeJson(io.stdout, schedule);
        say((await texts()).scheduleLines(schedule, style));
      }),
    );

  schedules
    .command('apply')
    .description('Make the schedules those of the files: shows the difference, then makes it so')
    .argument('<file...>', 'YAML or JSON with a schedule, a list or {schedules: [...]}, or folders of such files')
    .option('--prune', 'remove the schedules that are in none of the files')
    .option('--dry-run', 'only show the difference')
    .addOption(jsonOption())
    .action(
      cli.action(async (files: string[], options: ApplyOptions) => {
        const { applySchedules } = await import('../schedules/apply.js');
        await applySchedules(cli, await readDocuments(files, io), options);
      }),
    );

  schedules
    .command('trigger')
    .description('Run it now, also while it is paused or a run is open')
    .argument('<id>')
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, { json }: Json) => {
        const triggered = await (await client()).trigger(id);
        if (json) return writeJson(io.stdout, triggered);
        if (triggered.job === null) return writeLine(io.stdout, `${id} was triggered; its job is not there yet`);
        writeLine(io.stdout, triggered.job);
        writeLine(io.stderr, cli.errorStyle.dim(`Follow it: millrace jobs watch ${triggered.job}`));
      }),
    );

  schedules
    .command('pause')
    .description('Start no more; what passes meanwhile is not caught up')
    .argument('<id>')
    .option('--note <text>', 'why; shown with the schedule')
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, { note, json }: Json & { note?: string }) => {
        const schedule = await (await client()).pause(id, note);
        if (json) return writeJson(io.stdout, schedule);
        writeLine(io.stdout, `${id} is paused`);
      }),
    );

  schedules
    .command('resume')
    .description('Start again')
    .argument('<id>')
    .option('--note <text>', 'why')
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, { note, json }: Json & { note?: string }) => {
        const schedule = await (await client()).resume(id, note);
        if (json) return writeJson(io.stdout, schedule);
        writeLine(io.stdout, `${id} is active${schedule.next[0] === undefined ? '' : `; next at ${schedule.next[0]}`}`);
      }),
    );

  schedules
    .command('backfill')
    .description('Run it for the nominal times of a range of the past; without --yes only shows them')
    .argument('<id>')
    .requiredOption('--from <time>', 'the first, RFC 3339')
    .requiredOption('--to <time>', 'the last, RFC 3339')
    .addOption(
      new Option('--overlap <rule>', 'bufferAll: one after the other; allowAll: at once')
        .choices(OVERLAPS)
        .default('bufferAll'),
    )
    .option('-y, --yes', 'start them')
    .addOption(jsonOption())
    .action(
      cli.action(
        async (
          id: string,
          { from, to, overlap, yes, json }: Json & { from: string; to: string; overlap: string; yes?: boolean },
        ) => {
          const told = await (await client()).backfill(id, { from, to, overlap, preview: yes !== true });
          if (json) return writeJson(io.stdout, told);
          say((await texts()).backfillLines(told, style));
          if (!told.started) writeLine(io.stderr, cli.errorStyle.dim('Nothing was started; --yes starts them'));
        },
      ),
    );

  schedules
    .command('upcoming')
    .description('Show when a schedule fires next, or those of a file that is not applied yet')
    .argument('<id-or-file>', 'a file has an ending .yaml, .yml or .json')
    .option('-n, --count <n>', 'how many times', wholeNumber(1), 10)
    .addOption(jsonOption())
    .action(
      cli.action(async (target: string, { count, json }: Json & { count: number }) => {
        const all = await upcomingOf(cli, target, count);
        if (json) return writeJson(io.stdout, all.length === 1 ? all[0] : all);
        const { upcomingLines } = await texts();
        for (const one of all) say(upcomingLines(one, style));
      }),
    );

  schedules
    .command('runs')
    .description('List the jobs that a schedule started, the newest first')
    .argument('<id>')
    .option('-n, --limit <n>', 'how many', wholeNumber(1), 20)
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, { limit, json }: Json & { limit: number }) => {
        const page = await (await client()).runs(id, limit);
        if (json) return writeJson(io.stdout, page);
        printJobs(cli, page.jobs, page.nextCursor !== null);
      }),
    );

  schedules
    .command('delete')
    .description('Remove schedules; jobs that they started go on')
    .argument('<id...>')
    .action(
      cli.action(async (ids: string[]) => {
        for (const id of ids) {
          await (await client()).remove(id);
          writeLine(io.stdout, `${id} is removed`);
        }
      }),
    );
};

async function upcomingOf(cli: Cli, target: string, count: number) {
  if (!/\.(ya?ml|json)$/i.test(target)) return [await (await cli.client()).schedules.upcoming(target, count)];
  const documents = await readDocuments([target], cli.io);
  const [{ parseSchedule }, { upcoming }] = await Promise.all([
    import('../../schema/schedule.js'),
    import('../../timetable/upcoming.js'),
  ]);
  return documents.map(({ document }) => upcoming(parseSchedule({ spec: {}, ...document }).schedule, { count }));
}
