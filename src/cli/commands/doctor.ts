import type { Config } from '../../core/config.js';
import type { Setting } from '../../settings.js';
import type { Cli, Register } from '../context.js';
import type { Check } from '../doctor/check.js';
import { EXIT } from '../exit-codes.js';
import { padEnd, printable } from '../format.js';
import { widthOf, writeJson, writeLine } from '../io.js';
import { jsonOption } from '../options.js';
import { tableLines } from '../table.js';

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

async function runChecks({ io }: Cli): Promise<Check[]> {
  const [{ loadConfig }, machine, { checkTemporal }, { checkTemporalCli }] = await Promise.all([
    import('../../config.js'),
    import('../doctor/machine-checks.js'),
    import('../doctor/temporal-checks.js'),
    import('../doctor/cli-check.js'),
  ]);
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  const found = await Promise.all([
    checkTemporalCli(config, io.env),
    checkTemporal(config),
    machine.checkWorkArea(config),
    machine.checkScratch(config),
    machine.checkProcessors(config),
    buckets(config),
  ]);
  return [machine.checkNode(), ...found.flat()];
}

async function buckets(config: Config): Promise<Check[]> {
  return config.s3 ? (await import('../doctor/s3-checks.js')).checkBuckets(config) : [];
}

function printChecks({ io, style }: Cli, checks: readonly Check[]): void {
  const paint = { ok: style.green, warn: style.yellow, fail: style.red };
  const names = Math.max(...checks.map((check) => check.name.length));
  for (const { name, status, detail, mend } of checks) {
    writeLine(io.stdout, `${paint[status](padEnd(status, 4))}  ${padEnd(name, names)}  ${printable(detail)}`);
    if (mend) writeLine(io.stdout, `${' '.repeat(names + 8)}${style.dim(`→ ${mend}`)}`);
  }
}

function printSettings({ io, style }: Cli, settings: readonly Setting[]): void {
  const columns = ['setting', 'default', 'meaning'].map((name) => ({ name }));
  const rows = settings.map((setting) => [setting.env, setting.default, setting.meaning]);
  for (const line of tableLines(columns, rows, { width: widthOf(io.stdout), style })) writeLine(io.stdout, line);
  writeLine(io.stdout);
  writeLine(
    io.stdout,
    'A flag wins over the environment, that over millrace.toml (task_queue for MILLRACE_TASK_QUEUE), that over the default.',
  );
  writeLine(
    io.stdout,
    'TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE and the others of Temporal are read as its own tools read them.',
  );
}
