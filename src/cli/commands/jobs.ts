import type { JobView } from '../../core/job.js';
import { MillraceError } from '../../core/errors.js';
import { isEndState, END_STATES, OPEN_STATES } from '../../core/job.js';
import { Option } from 'commander';
import type { Register } from '../context.js';
import { followJob, printResult } from '../follow.js';
import { followJobs, type FollowJobsOptions } from '../follow-jobs.js';
import { widthOf, writeJson, writeLine } from '../io.js';
import { jobLines, paintState, steeringLines } from '../job-text.js';
import { printJobs } from '../jobs-table.js';
import { jsonOption, rateOption, wholeNumber } from '../options.js';
import { readText } from '../read-spec.js';
import { tableLines } from '../table.js';

interface ListOptions {
  state?: string;
  name?: string;
  schedule?: string;
  since?: string;
  limit: number;
  json?: boolean;
}

interface SetOptions {
  concurrency?: number;
  rate?: Record<string, string> | 'none';
  tolerateRejects?: string;
  tolerateFailed?: string;
  priority?: number;
  json?: boolean;
}

export const jobsCommand: Register = (program, cli) => {
  const jobs = program.command('jobs').description('Look at jobs and steer them');
  const { io, style } = cli;

  jobs
    .command('list', { isDefault: true })
    .description('List jobs, the newest first')
    .addOption(new Option('--state <state>', 'only these').choices([...OPEN_STATES, ...END_STATES]))
    .option('--name <name>', 'only jobs of this name')
    .option('--schedule <id>', 'only jobs that this schedule started')
    .option('--since <time>', 'only jobs created since (RFC 3339)')
    .option('-n, --limit <n>', 'how many', wholeNumber(1), 20)
    .addOption(jsonOption())
    .action(
      cli.action(async ({ json, ...query }: ListOptions) => {
        const page = await (await cli.client()).jobs(query);
        if (json) return writeJson(io.stdout, page);
        printJobs(cli, page.jobs, page.nextCursor !== null);
      }),
    );

  jobs
    .command('show')
    .description('Show one job')
    .argument('<id>')
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, options: { json?: boolean }) => {
        const client = await cli.client();
        const job = await client.job(id);
        if (options.json) return writeJson(io.stdout, job);
        for (const line of jobLines(job, style, Date.now(), client.url)) writeLine(io.stdout, line);
      }),
    );

  jobs
    .command('watch')
    .description('Follow jobs to their ends, a line a job; the exit code says how they ended, the worst of them')
    .argument('[id...]')
    .addOption(new Option('--state <state>', 'those that are in this state now').choices(['open', ...OPEN_STATES]))
    .option('--name <name>', 'those of this name that are open')
    .option('--schedule <id>', 'those that this schedule started and that are open')
    .addOption(jsonOption())
    .action(cli.action((ids: string[], options: FollowJobsOptions) => followJobs(cli, ids, options)));

  jobs
    .command('cancel')
    .description('Cancel a job; nothing of it is published, and "retry" goes on from where it was')
    .argument('<id>')
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, options: { json?: boolean }) => {
        const job = await (await cli.client()).cancel(id);
        if (options.json) return writeJson(io.stdout, job);
        const done = isEndState(job.state);
        writeLine(io.stdout, done ? `${job.id} is ${paintState(job.state, style)}` : `${job.id} is being cancelled`);
      }),
    );

  const steered = (job: JobView, options: { json?: boolean }) => {
    if (options.json) return writeJson(io.stdout, job);
    for (const line of steeringLines(job, style)) writeLine(io.stdout, line);
  };

  jobs
    .command('pause')
    .description('Hand out no more chunks of a job; those at work end')
    .argument('<id>')
    .option('--reason <text>', 'why; shown with the job')
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, options: { reason?: string; json?: boolean }) =>
        steered(await (await cli.client()).pause(id, options.reason), options),
      ),
    );

  jobs
    .command('resume')
    .description('Hand out chunks again')
    .argument('<id>')
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, options: { json?: boolean }) =>
        steered(await (await cli.client()).resume(id), options),
      ),
    );

  jobs
    .command('set')
    .description('Change a job while it runs')
    .argument('<id>')
    .option('--concurrency <n>', 'chunks at once, over all workers', wholeNumber(1))
    .option('--rate <rate>', 'such as records=500/s or chunks=30/m; none lifts the limit', rateOption)
    .option('--tolerate-rejects <n>', 'a count or a percentage such as 0.1%')
    .option('--tolerate-failed <n>', 'chunks that may fail: a count or a percentage')
    .option('--priority <n>', '1 (first) to 5', wholeNumber(1))
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, options: SetOptions) => {
        const { concurrency, rate, tolerateRejects, tolerateFailed, priority } = options;
        const settings = Object.entries({
          concurrency,
          rate: rate === 'none' ? null : rate,
          rejects: tolerateRejects === undefined ? undefined : { tolerate: tolerateRejects },
          failedChunks: tolerateFailed === undefined ? undefined : { tolerate: tolerateFailed },
          priority,
        }).filter(([, value]) => value !== undefined);
        if (settings.length === 0) {
          throw new MillraceError(
            'usage.nothing_to_do',
            'Nothing to set; see millrace jobs set --help for what can be changed',
          );
        }
        steered(await (await cli.client()).set(id, Object.fromEntries(settings)), options);
      }),
    );

  jobs
    .command('retry')
    .description('Run what failed, was rejected or never ran of a job that has ended')
    .argument('<id>')
    .option('--rejects <file>', 'corrected lines of "jobs rejects --json"; records without a line stay rejected')
    .option('-w, --watch', 'follow the job to its end; the exit code says how it ended')
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, options: { rejects?: string; watch?: boolean; json?: boolean }) => {
        const rejects = options.rejects === undefined ? undefined : await readText(options.rejects, 'reject file', io);
        const client = await cli.client();
        const job = await client.retry(id, rejects);
        if (options.watch) return followJob(cli, client, job.id, options.json === true);
        if (options.json) return writeJson(io.stdout, job);
        writeLine(io.stdout, `${job.id} is being retried`);
        return undefined;
      }),
    );

  jobs
    .command('result')
    .description('Print the rows of a result')
    .argument('<id>')
    .option('-n, --limit <n>', 'rows of the table', wholeNumber(1), 50)
    .addOption(jsonOption())
    .action(
      cli.action(async (id: string, options: { limit: number; json?: boolean }) => {
        const result = await (await cli.client()).result(id);
        if (options.json) return writeJson(io.stdout, result);
        printResult(cli, result, options.limit);
      }),
    );

  jobs
    .command('rejects')
    .description('Print the rejected records: place, code, reason')
    .argument('<id>')
    .option('-n, --limit <n>', 'rejects of the table', wholeNumber(1), 20)
    .option('--json', 'print all of them as NDJSON, as they can be corrected and given back')
    .action(
      cli.action(async (id: string, options: { limit: number; json?: boolean }) => {
        const client = await cli.client();
        if (options.json) {
          for (const reject of await client.rejects(id)) writeLine(io.stdout, JSON.stringify(reject));
          return;
        }
        const job = await client.job(id);
        const rejects = await client.rejects(id, options.limit);
        if (rejects.length === 0) return writeLine(io.stdout, 'No record was rejected');
        const total = job.result?.counts.rejected ?? job.progress?.records.rejected ?? rejects.length;
        const rows = rejects.map((reject) => [reject.source, reject.line, reject.code, reject.message, reject.raw]);
        const columns = [
          { name: 'source' },
          { name: 'line', min: 6 },
          { name: 'code' },
          { name: 'reason', min: 16 },
          { name: 'record' },
        ];
        const width = widthOf(io.stdout);
        for (const line of tableLines(columns, rows, { width, style, total: Math.max(total, rows.length) })) {
          writeLine(io.stdout, line);
        }
      }),
    );
};
