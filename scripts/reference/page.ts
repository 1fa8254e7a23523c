import type { Command } from 'commander';
import { z } from 'zod';
import { createApp } from '../../src/api/app.js';
import type { ApiDeps } from '../../src/api/deps.js';
import { PROBLEMS } from '../../src/api/problems.js';
import { processIo } from '../../src/cli/io.js';
import { createProgram } from '../../src/cli/run-cli.js';
import { scheduleSchema } from '../../src/schema/schedule.js';
import { jobSpecSchema } from '../../src/schema/spec.js';
import { SETTINGS } from '../../src/settings.js';
import { ERROR_CODES } from './error-codes.js';
import { escaped, schemaRows } from './schema-table.js';

/** `docs/reference.md`, made of the schemas, settings, commands and routes of the program. */
export function referencePage(): string {
  return [
    '# Reference',
    '',
    'Made of the program by `npm run reference`; a test fails where it is stale. What things are for: [job-spec.md](job-spec.md),',
    '[schedules.md](schedules.md), [terminal.md](terminal.md). A duration is a text such as `30s`, `5m`, `12h`, `7d`, or a number of',
    'milliseconds; a size such as `64MiB`, or a number of bytes.',
    '',
    '## Job spec',
    '',
    ...fields(jobSpecSchema),
    '',
    '## Schedule',
    '',
    ...fields(scheduleSchema),
    '',
    '## Settings',
    '',
    'A flag wins over the environment, that over `millrace.toml` (`task_queue` for `MILLRACE_TASK_QUEUE`), that over the default.',
    '`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_PROFILE` and the others of Temporal are read as its own tools read them.',
    '',
    ...table(
      ['setting', 'default', 'meaning'],
      SETTINGS.map(({ env, default: preset, meaning }) => [`\`${env}\``, escaped(preset), escaped(meaning)]),
    ),
    '',
    '## Command line',
    '',
    ...commandSections(createProgram(processIo(), () => undefined)),
    '## HTTP',
    '',
    'The whole of it, with bodies and answers, is at `/openapi.json`.',
    '',
    ...table(['call', 'what it does'], calls()),
    '',
    '## Error codes',
    '',
    'The same in problem documents of HTTP, in failures of workflows, in reject files and on the command line. Status: that of an HTTP',
    'answer, where the code can be one.',
    '',
    ...table(
      ['code', 'status', 'what it means, and what to do'],
      Object.entries(ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, statusOf(code), escaped(meaning)]),
    ),
    '',
  ].join('\n');
}

function fields(schema: z.ZodType): string[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return ['| field | form | default | meaning |', '| --- | --- | --- | --- |', ...schemaRows(json)];
}

function table(names: readonly string[], rows: ReadonlyArray<readonly string[]>): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(names), line(names.map(() => '---')), ...rows.map(line)];
}

function commandSections(command: Command, path = 'millrace'): string[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const usage = `${path} ${command.usage()}`;
  const own = [
    `### ${path}`,
    '',
    escaped(command.description()) + '.',
    '',
    `\`${usage}\``,
    '',
    ...(options.length === 0
      ? []
      : [
          ...table(
            ['option', 'meaning', 'default'],
            options.map((option) => [
              `\`${option.flags}\``,
              escaped(option.description) + (option.argChoices ? `: ${option.argChoices.join(', ')}` : ''),
              option.defaultValue === undefined ? '' : `\`${String(option.defaultValue)}\``,
            ]),
          ),
          '',
        ]),
  ];
  return [...own, ...children.flatMap((child) => commandSections(child, `${path} ${child.name()}`))];
}

function calls(): string[][] {
  // The routes are known without what answers them.
  const document = createApp({ taskQueue: '', version: '' } as ApiDeps).getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: '', version: '' },
  });
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, { summary?: string }>).map(([method, { summary = '' }]) => [
      `\`${method.toUpperCase()} ${path}\``,
      escaped(summary),
    ]),
  );
}

function statusOf(code: string): string {
  const found = PROBLEMS[code] ?? PROBLEMS[`${code.split('.')[0]}.*`];
  return found ? String(found[0]) : '';
}
