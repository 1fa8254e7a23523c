import type { DevServices } from '../../dev.js';
import type { Cli, Register } from '../context.js';
import { padEnd } from '../format.js';
import { writeLine } from '../io.js';
import { collect, wholeNumber } from '../options.js';
import { untilInterrupted } from '../until-interrupted.js';

export const devCommand: Register = (program, cli) => {
  program
    .command('dev')
    .summary('run everything in one terminal')
    .description('Run a Temporal dev server (if none is reachable), the API and a worker; data is kept in .millrace/')
    .option('--port <port>', 'port of the API', wholeNumber(0))
    .option('--processors <dir>', 'folder with processors (repeatable)', collect)
    .action(
      cli.action(async (options: { port?: number; processors?: string[] }) => {
        const { io } = cli;
        const interrupted = untilInterrupted(io);
        const [{ loadConfig }, { startDev }] = await Promise.all([import('../../config.js'), import('../../dev.js')]);
        const config = loadConfig({ env: io.env, flags: { ...options }, cwd: io.cwd });
        const say = (text: string): void => writeLine(io.stderr, cli.errorStyle.dim(text));
        const services = await startDev(config, { env: io.env, say });
        printPanel(cli, services);
        await interrupted;
        say('Stopping');
        await services.stop();
      }),
    );
};

function printPanel(cli: Cli, { config, addresses, logs }: DevServices): void {
  const { io, style } = cli;
  const say = (line = ''): void => writeLine(io.stdout, line);
  const fact = (name: string, value: string): void => say(`  ${style.dim(padEnd(name, 12))} ${value}`);
  say();
  say(`${style.bold('Millrace is running')}  ${style.dim('Ctrl-C stops it')}`);
  fact('dashboard', style.cyan(`${addresses.api}/`));
  fact('API', style.cyan(`${addresses.api}/openapi.json`));
  fact('Temporal UI', addresses.ui ? style.cyan(addresses.ui) : style.dim('not known; set TEMPORAL_UI_URL'));
  fact('Temporal', `${addresses.temporal}, namespace ${addresses.namespace}`);
  fact(
    'processors',
    config.processors.length > 0 ? config.processors.join(', ') : style.dim('none; put .ts files into processors/'),
  );
  fact('files under', config.roots.join(', '));
  fact('data', config.home);
  fact('log', logs);
  say();
  say(`  ${style.dim('Next, in another terminal of this folder:')}`);
  say('    npx millrace demo');
  say('    npx millrace run spec.yaml --watch');
  say('    npx millrace jobs');
}
