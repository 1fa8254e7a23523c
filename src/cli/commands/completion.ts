import { Argument } from 'commander';
import { complete, type Candidate, type Ids } from '../completion/candidates.js';
import { FILES_LINE, SCRIPTS, SHELLS, type Shell } from '../completion/scripts.js';
import type { Cli, Register } from '../context.js';
import { printable } from '../format.js';
import { writeLine } from '../io.js';

const IDS_OF_JOBS = 50;

export const completionCommand: Register = (program, cli) => {
  const { io } = cli;

  program
    .command('completion')
    .summary('complete commands, options and ids by Tab')
    .description(
      'Print the script that lets a shell complete commands, options, files and ids. To load it:\n' +
        '  bash  source <(millrace completion bash)     in ~/.bashrc\n' +
        '  zsh   source <(millrace completion zsh)      in ~/.zshrc, behind compinit\n' +
        '  fish  millrace completion fish | source      in ~/.config/fish/config.fish',
    )
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action(
      cli.action(async (shell: Shell) => {
        io.stdout.write(SCRIPTS[shell]);
      }),
    );

  program
    .command('complete', { hidden: true })
    .description('Print what can stand in the place of the last word; asked by the scripts of "completion"')
    .argument('[words...]')
    .action(
      cli.action(async (words: string[]) => {
        const { candidates, files } = await complete(program, words, idsOf(cli));
        for (const { value, about } of candidates) writeLine(io.stdout, `${value}\t${printable(about)}`);
        if (files) writeLine(io.stdout, FILES_LINE);
      }),
    );
};

/** Somebody waits at a prompt: where the API does not answer there is nothing to offer, and nothing is said. */
function idsOf(cli: Cli): Ids {
  const quietly = (ask: () => Promise<Candidate[]>) => ask().catch((): Candidate[] => []);
  return {
    jobs: () =>
      quietly(async () => {
        const { jobs } = await (await cli.client()).jobs({ limit: IDS_OF_JOBS });
        return jobs.map(({ id, state, name }) => ({ value: id, about: `${state}  ${name}` }));
      }),
    schedules: () =>
      quietly(async () => {
        const rows = await (await cli.client()).schedules.list();
        return rows.map(({ id, sentence }) => ({ value: id, about: sentence }));
      }),
  };
}
