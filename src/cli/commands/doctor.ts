import type { Config } from '../../core/config.js';
import type { Setting } from '../../settings.js';
import type { Cli, Register } from '../context.js';
import type { Check } from '../doctor/check.js';
import { EXIT } from '../exit-codes.js';
import { padEnd, printable, wrap } from '../format.js';
import { widthOf, writeJson, writeLine } from '../io.js';
import { jsonOption } from '../options.js';

export const doctorCommand: Register = (program, cli) => {
  program
    .command('doctor')
    .description('Check everything that jobs depend on, and say the mend')
    .option('--settings', 'print the settings instead, with their defaults')
    .addOption(jsonOption())
    .action(
      cli.action(async (options: { settings?: boolean; json?: boolean }) => {
        const { io } = cli;
        if (options.settings) {
          const { SETTINGS } = await import('../../settings.js');
          return options.json ? writeJson(io.stdout, SETTINGS) : printSettings(cli, SETTINGS);
        }
        const checks = await runChecks(cli);
        const healthy = checks.every((check) => check.status !== 'fail');
        if (options.json) writeJson(io.stdout, { healthy, checks });
        else printChecks(cli, checks);
        return healthy ? EXIT.completed : EXIT.failed;
      }),
    );
};

async function runChecks(cli: Cli): Promise<Check[]> {
  const { io } = cli;
  const [{ loadConfig }, machine, { checkTemporal }, { checkTemporalCli }, { checkApi }] = await Promise.all([
    import('../../config.js'),
    import('../doctor/machine-checks.js'),
    import('../doctor/temporal-checks.js'),
    import('../doctor/cli-check.js'),
    import('../doctor/api-check.js'),
  ]);
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  const found = await Promise.all([
    checkTemporalCli(config, io.env),
    checkTemporal(config),
    checkApi(() => cli.client()),
    machine.checkRoots(config),
    machine.checkWorkArea(config),
    machine.checkScratch(config),
    machine.checkProcessors(config),
    buckets(config),
    databases(config),
  ]);
  return [machine.checkNode(), machine.checkVersions(), ...found.flat()];
}

async function buckets(config: Config): Promise<Check[]> {
  return config.s3 ? (await import('../doctor/s3-checks.js')).checkBuckets(config) : [];
}

async function databases(config: Config): Promise<Check[]> {
  return config.postgres ? (await import('../doctor/postgres-checks.js')).checkConnections(config) : [];
}

function printChecks({ io, style }: Cli, checks: readonly Check[]): void {
  const paint = { ok: style.green, warn: style.yellow, fail: style.red };
  const names = Math.max(...checks.map((check) => check.name.length));
  const width = widthOf(io.stdout);
  const indent = ' '.repeat(names + 8);
  for (const { name, status, detail, mend } of checks) {
    const head = `${paint[status](padEnd(status, 4))}  ${padEnd(name, names)}  `;
    writeLine(io.stdout, head + wrap(printable(detail), width - indent.length, indent));
    if (mend) writeLine(io.stdout, indent + style.dim(wrap(`→ ${mend}`, width - indent.length, indent)));
  }
}

function printSettings({ io, style }: Cli, settings: readonly Setting[]): void {
  const say = (text: string, indent = ''): void =>
    writeLine(io.stdout, indent + wrap(text, widthOf(io.stdout) - indent.length, indent));
  for (const { env, default: preset, meaning } of settings) {
    say(`${style.bold(env)}  ${style.dim(preset)}`);
    say(meaning, '    ');
  }
  say('');
  say(
    'A flag wins over the environment, that over millrace.toml (task_queue for MILLRACE_TASK_QUEUE), that over the default.',
  );
  say(
    'TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE and the others of Temporal are read as its own tools read them.',
  );
}
