import type { Register } from '../context.js';
import { followJob } from '../follow.js';
import { writeJson, writeLine } from '../io.js';
import { collect, jsonOption } from '../options.js';
import { parseParams, withParams } from '../params.js';
import { readSpec } from '../read-spec.js';

interface RunOptions {
  watch?: boolean;
  param?: string[];
  key?: string;
  json?: boolean;
}

export const runCommand: Register = (program, cli) => {
  program
    .command('run')
    .summary('start a job')
    .description('Start the job of a spec (JSON or YAML; "-" reads standard input)')
    .argument('<spec>', 'file of the spec')
    .option('-w, --watch', 'follow the job to its end; the exit code says how it ended')
    .option('-p, --param <name=value>', 'set a parameter of process.with (repeatable; JSON values are typed)', collect)
    .option('--key <key>', 'idempotency key: the same key and spec are the same job')
    .addOption(jsonOption())
    .action(
      cli.action(async (path: string, options: RunOptions) => {
        const { io, style } = cli;
        const asJson = options.json === true;
        const spec = await withParams(await readSpec(path, io), parseParams(options.param ?? []));
        const client = await cli.client();
        const job = await client.submit(spec, options.key);
        if (options.watch) {
          if (!asJson) writeLine(io.stderr, cli.errorStyle.dim(`Started ${job.id}`));
          for (const warning of asJson ? [] : job.warnings) writeLine(io.stderr, cli.errorStyle.yellow(warning));
          return followJob(cli, client, job.id, asJson);
        }
        if (asJson) {
          writeJson(io.stdout, job);
          return;
        }
        for (const warning of job.warnings) writeLine(io.stderr, cli.errorStyle.yellow(warning));
        writeLine(io.stdout, job.id);
        writeLine(io.stderr, style.dim(`Follow it: millrace jobs watch ${job.id}`));
        return;
      }),
    );
};
