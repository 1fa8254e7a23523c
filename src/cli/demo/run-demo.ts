import { basename } from 'node:path';
import { MillraceError } from '../../core/errors.js';
import type { JobView } from '../../core/job.js';
import type { Cli } from '../context.js';
import { bytes, compact, count, duration } from '../../core/figures.js';
import { cut, padEnd, printable } from '../format.js';
import { widthOf, writeLine } from '../io.js';
import { elapsedSeconds } from '../../core/job-facts.js';
import { tableLines } from '../table.js';
import { watchJob } from '../watch-job.js';
import type { DemoServices } from './services.js';
import { csvSpec, delaysSpec, flightTimesSpec } from './specs.js';

const TOP = 10;
const SHOWN_REJECTS = 5;
const MAX_WIDTH = 110;

/** The three jobs, told as they go. `staysUp`: the services can be asked for more afterwards. Null where Ctrl-C ended it. Errors: `demo.job_failed`, `demo.wrong_total`. */
export async function runDemo(
  cli: Cli,
  services: DemoServices,
  flights: string,
  staysUp: boolean,
): Promise<JobView[] | null> {
  const { client, out } = services;
  const { io, style } = cli;
  const width = Math.min(MAX_WIDTH, widthOf(io.stdout));
  const say = (line = ''): void => writeLine(io.stdout, line);
  const step = async (number: number, title: string, how: string, spec: Record<string, unknown>) => {
    say();
    say(`${style.bold(`${number}  ${title}`)}`);
    say(`   ${style.dim(how)}`);
    const { id } = await client.submit(spec);
    const job = await watchJob(client, id, { io, style: cli.errorStyle, label: `   ${String(spec.name)}` });
    if (job && !job.result) {
      const why = job.error ? `${job.error.code}: ${job.error.message}` : job.state;
      throw new MillraceError('demo.job_failed', `Job "${job.id}" did not complete: ${why}`);
    }
    return job;
  };
  const done = (job: JobView, text: string): void => {
    const seconds = elapsedSeconds(job, Date.now());
    const rate = `${compact(job.result!.counts.in / Math.max(seconds, 0.001))} records/s`;
    say(`   ${style.green('done')} in ${duration(seconds)}, ${rate}: ${text}`);
  };

  const delays = await step(
    1,
    'Delays by airport',
    `SQL over ${basename(flights)}, chunks in parallel, then one reduction`,
    delaysSpec(flights),
  );
  if (!delays) return null;
  const { rows } = await client.result(delays.id);
  const total = rows.reduce((sum, row) => sum + Number(row.flights), 0);
  if (total !== delays.result!.counts.in) {
    throw new MillraceError(
      'demo.wrong_total',
      `The airports have ${count(total)} flights, but ${count(delays.result!.counts.in)} were read`,
    );
  }
  done(delays, `${count(rows.length)} airports`);
  say(`   ${style.green('checked')}: their flights add up to ${count(total)}, the records read`);
  say();
  const top = rows
    .slice(0, TOP)
    .map((row) => [
      row.origin,
      count(Number(row.flights)),
      Number(row.mean_delay).toFixed(1),
      count(Number(row.mean_distance)),
    ]);
  const columns = [{ name: 'airport' }, right('flights'), right('mean delay, min'), right('mean distance, mi')];
  for (const line of tableLines(columns, top, { width: width - 3, style, total: rows.length })) say(`   ${line}`);

  const csv = await step(
    2,
    'The same flights as CSV',
    'a conversion is a job like any other: select * from chunk, with a sink',
    csvSpec(flights, out),
  );
  if (!csv) return null;
  done(csv, `${bytes(csv.result!.output.bytes)} in ${csv.result!.output.uri}`);

  const times = await step(
    3,
    'A processor in TypeScript',
    'examples/flight-times on every line of that CSV; what cannot be is put aside',
    flightTimesSpec(out),
  );
  if (!times) return null;
  const { in: read, used, filtered, rejected, out: written } = times.result!.counts;
  done(times, `${count(written)} records in ${times.result!.output.uri}`);
  if (read !== used + filtered + rejected) {
    throw new MillraceError(
      'demo.wrong_total',
      `${count(read)} records were read, but ${count(used + filtered + rejected)} have a fate`,
    );
  }
  say(
    `   ${style.green('checked')}: ${count(read)} in = ${count(used)} used + ${count(filtered)} filtered + ${count(rejected)} rejected`,
  );
  const rejects = await client.rejects(times.id, SHOWN_REJECTS);
  if (rejects.length > 0) {
    say();
    say(`   ${style.dim('The first rejects, with file, line and reason:')}`);
    for (const { source, line, message } of rejects) {
      say(`   ${cut(printable(`${basename(source)}:${line ?? '?'}  ${message}`), width - 3)}`);
    }
    const more = rejected - rejects.length;
    const how = staysUp ? `: millrace --api ${client.url} jobs rejects ${times.id}` : '';
    if (more > 0) say(`   ${style.dim(`… ${count(more)} more${how}`)}`);
  }
  return [delays, csv, times];
}

/** Where each job can be looked at. */
export function demoLinks(cli: Cli, services: DemoServices, jobs: readonly JobView[], seconds: number): void {
  const { io, style } = cli;
  writeLine(io.stdout);
  writeLine(io.stdout, `${style.bold('Three jobs')}${style.dim(`, ${duration(seconds)} in all`)}`);
  const names = Math.max(...jobs.map((job) => job.name.length));
  for (const job of jobs) {
    writeLine(io.stdout, `   ${padEnd(job.name, names)}  ${style.cyan(`${services.client.url}/jobs/${job.id}`)}`);
    if (job.links.temporal) writeLine(io.stdout, `   ${' '.repeat(names)}  ${style.cyan(job.links.temporal)}`);
  }
}

function right(name: string): { name: string; align: 'right' } {
  return { name, align: 'right' };
}
