import type { PlanView } from '../../core/job.js';
import type { Cli, Register } from '../context.js';
import { bytes, count } from '../../core/figures.js';
import { padEnd, printable } from '../format.js';
import { widthOf, writeJson, writeLine } from '../io.js';
import { collect, jsonOption } from '../options.js';
import { parseParams, withParams } from '../params.js';
import { readSpec } from '../read-spec.js';
import { recordTableLines } from '../table.js';

export const planCommand: Register = (program, cli) => {
  program
    .command('plan')
    .summary('show what a job would do, start nothing')
    .description('Show what the job of a spec would do: chunks, columns, first records, warnings; nothing is started')
    .argument('<spec>', 'file of the spec (JSON or YAML; "-" reads standard input)')
    .option('-p, --param <name=value>', 'set a parameter of process.with (repeatable)', collect)
    .addOption(jsonOption())
    .action(
      cli.action(async (path: string, options: { param?: string[]; json?: boolean }) => {
        const spec = await withParams(await readSpec(path, cli.io), parseParams(options.param ?? []));
        const plan = await (await cli.client()).plan(spec);
        if (options.json) writeJson(cli.io.stdout, plan);
        else printPlan(cli, plan);
      }),
    );
};

function printPlan(cli: Cli, plan: PlanView): void {
  const { io, style } = cli;
  const say = (line = ''): void => writeLine(io.stdout, line);
  const fact = (name: string, value: string): void => say(`  ${style.dim(padEnd(name, 11))} ${value}`);
  const about = plan.recordsExact ? '' : 'about ';
  say(`${style.bold(printable(plan.name))}  ${style.dim('plan; nothing was started')}`);
  fact('processor', printable(plan.processor));
  const files = `${count(plan.files)} ${plan.files === 1 ? 'file' : 'files'}, ${plan.format}`;
  fact('source', `${plan.format === 'postgres' ? 'a table or query of PostgreSQL' : files}, ${bytes(plan.bytes)}`);
  fact('records', `${about}${count(plan.records)}`);
  fact(
    'chunks',
    `${count(plan.chunks)}, up to ${count(plan.chunksPerActivity)} to an activity, ${count(plan.concurrency)} at once`,
  );
  fact('columns', plan.columns.map((column) => `${printable(column.name)} ${style.dim(column.type)}`).join(', '));
  if (plan.output) {
    fact('output', plan.output.map((column) => `${printable(column.name)} ${style.dim(column.type)}`).join(', '));
  }
  for (const warning of plan.warnings) fact('warning', style.yellow(printable(warning)));
  if (plan.sample.length > 0) {
    say();
    for (const line of recordTableLines(plan.columns, plan.sample, { width: widthOf(io.stdout), style })) say(line);
  }
}
