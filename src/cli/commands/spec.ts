import type { Register } from '../context.js';
import { writeJson, writeLine } from '../io.js';
import { collect } from '../options.js';
import { parseParams, withParams } from '../params.js';
import { readSpec } from '../read-spec.js';

export const specCommand: Register = (program, cli) => {
  program
    .command('spec')
    .summary('check a spec, print it as JSON')
    .description(
      'Check a spec without a service. With --json it is printed as JSON, for\n' +
        'temporal workflow start --type processDataset --task-queue millrace --input-file spec.json',
    )
    .argument('<spec>', 'file of the spec (JSON or YAML; "-" reads standard input)')
    .option('-p, --param <name=value>', 'set a parameter of process.with (repeatable)', collect)
    .option('--json', 'print the spec as JSON')
    .action(
      cli.action(async (path: string, options: { param?: string[]; json?: boolean }) => {
        const { io, style } = cli;
        const given = await withParams(await readSpec(path, io), parseParams(options.param ?? []));
        const { parseSpec } = await import('../../schema/spec.js');
        const spec = parseSpec(given);
        if (options.json) writeJson(io.stdout, given);
        else writeLine(io.stdout, `${style.green('ok')}  ${spec.name}: a valid spec for "${spec.process.use}"`);
      }),
    );
};
