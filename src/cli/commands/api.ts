import type { Register } from '../context.js';
import { writeLine } from '../io.js';
import { untilInterrupted } from '../until-interrupted.js';
import { wholeNumber } from '../options.js';

export const apiCommand: Register = (program, cli) => {
  program
    .command('api')
    .description('Run the HTTP API (production process)')
    .option('--host <host>', 'address to listen on')
    .option('--port <port>', 'port to listen on', wholeNumber(0))
    .action(
      cli.action(async (options: { host?: string; port?: number }) => {
        const { io } = cli;
        const [{ loadConfig }, { startServer }] = await Promise.all([
          import('../../config.js'),
          import('../../server.js'),
        ]);
        const server = await startServer(loadConfig({ env: io.env, flags: { ...options }, cwd: io.cwd }));
        writeLine(io.stderr, `Millrace API on ${server.url}`);
        await untilInterrupted(io);
        await server.stop();
      }),
    );
};
