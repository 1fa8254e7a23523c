import { Command, CommanderError } from 'commander';
import { MillraceError, messageOf } from '../core/errors.js';
import { apiCommand } from './commands/api.js';
import { completionCommand } from './commands/completion.js';
import { demoCommand } from './commands/demo.js';
import { devCommand } from './commands/dev.js';
import { doctorCommand } from './commands/doctor.js';
import { importCommand } from './commands/import.js';
import { jobsCommand } from './commands/jobs.js';
import { planCommand } from './commands/plan.js';
import { processorsCommand } from './commands/processors.js';
import { runCommand } from './commands/run.js';
import { schedulesCommand } from './commands/schedules.js';
import { specCommand } from './commands/spec.js';
import { tokensCommand } from './commands/tokens.js';
import { workerCommand } from './commands/worker.js';
import { createCli, type Register } from './context.js';
import { EXIT, exitCodeOfError } from './exit-codes.js';
import { printable, wrap } from './format.js';
import { widthOf, writeLine, type Io } from './io.js';
import { packageVersion } from './package-root.js';
import { styleFor } from './style.js';

/** In the order of the help. What they need beyond the command line they import when they run: `--help` stays quick. */
const COMMANDS: readonly Register[] = [
  demoCommand,
  devCommand,
  runCommand,
  planCommand,
  specCommand,
  jobsCommand,
  schedulesCommand,
  processorsCommand,
  importCommand,
  tokensCommand,
  apiCommand,
  workerCommand,
  doctorCommand,
  completionCommand,
];

const EXIT_CODES = `
Exit codes:
  0 completed   1 failed   2 completed with rejects   3 cancelled
  64 usage or bad spec     69 service not reachable   77 not allowed   130 interrupted`;

/** All commands. @param exit told what a command that ran wants to exit with */
export function createProgram(io: Io, exit: (code: number) => void): Command {
  const program = new Command('millrace')
    .description('Durable dataset processing on Temporal')
    .version(packageVersion(), '-V, --version')
    .option('--api <url>', 'the API to talk to (default: MILLRACE_API, else what "dev" started here)')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(see millrace --help)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => (io.stdout.isTTY ? (io.stdout.columns ?? 100) : 100),
    });
  const cli = createCli(program, io, exit);
  for (const register of COMMANDS) register(program, cli);
  inheritExit(program);
  return program;
}

/** Runs one command line (without the program's name) and answers the exit code. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  const program = createProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
    tellError(error, io);
    return exitCodeOfError(error);
  }
}

/** Groups made with `.command()` copy these settings when they are made; commander has no setting for all of them. */
function inheritExit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritExit(child);
  }
}

/** The sentence, then each fault with its place; the only fault of a sentence that says it already is left out. */
function tellError(error: unknown, io: Io): void {
  const style = styleFor(io.stderr, io.env);
  const say = (text: string, indent = ''): void =>
    writeLine(io.stderr, wrap(text, widthOf(io.stderr) - indent.length, indent));
  const message = messageOf(error);
  if (!(error instanceof MillraceError)) {
    say(`${style.red('error')} ${printable(message)}`);
    if (io.env.MILLRACE_DEBUG && error instanceof Error) writeLine(io.stderr, error.stack);
    return;
  }
  say(`${style.red('error')} ${printable(message)} ${style.dim(`[${error.code}]`)}`);
  const [only] = error.issues;
  if (error.issues.length === 1 && message.includes(only!.message)) return;
  for (const issue of error.issues) {
    const place = issue.path ? `${printable(issue.path)}: ` : '';
    say(`  ${place}${printable(issue.message)}`, '    ');
  }
}
