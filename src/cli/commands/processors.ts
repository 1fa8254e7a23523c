import { isRecord } from '../params.js';
import type { Register } from '../context.js';
import { printable } from '../format.js';
import { writeJson, writeLine } from '../io.js';
import { jsonOption } from '../options.js';

export const processorsCommand: Register = (program, cli) => {
  const processors = program.command('processors').description('What the workers can do');
  processors
    .command('list', { isDefault: true })
    .description('List the processors that workers offer, with their parameters')
    .addOption(jsonOption())
    .action(
      cli.action(async (options: { json?: boolean }) => {
        const { io, style } = cli;
        const found = await (await cli.client()).processors();
        if (options.json) return writeJson(io.stdout, found);
        if (found.length === 0) {
          return writeLine(
            io.stdout,
            'No worker offers a processor; start one with "millrace worker" or "millrace dev"',
          );
        }
        for (const { name, kind, description, params } of found) {
          writeLine(io.stdout, `${style.bold(printable(name))}  ${style.dim(kind)}`);
          if (description) writeLine(io.stdout, `  ${printable(description)}`);
          for (const line of parameterLines(params)) writeLine(io.stdout, `  ${style.dim('·')} ${line}`);
        }
      }),
    );
};

/** The top level of a JSON Schema, one parameter a line: `name: type = default  description`. */
function parameterLines(schema: Record<string, unknown>): string[] {
  const properties = isRecord(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(properties).map(([name, value]) => {
    const { type, default: preset, description } = isRecord(value) ? value : {};
    const kind = typeof type === 'string' ? type : 'any';
    const given = preset !== undefined ? ` = ${JSON.stringify(preset)}` : required.includes(name) ? '' : ' (optional)';
    const text = typeof description === 'string' ? `  ${description}` : '';
    return printable(`${name}: ${kind}${given}${text}`);
  });
}
