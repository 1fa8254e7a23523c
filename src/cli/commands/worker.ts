import type { Register } from '../context.js';
import { writeLine } from '../io.js';
import { collect } from '../options.js';
import { untilInterrupted } from '../until-interrupted.js';

export const workerCommand: Register = (program, cli) => {
  program
    .command('worker')
    .description('Run a worker (production process)')
    .option('--processors <dir>', 'folder with processors (repeatable)', collect)
    .option('--queue <name>', 'Temporal task queue')
    .action(
      cli.action(async (options: { processors?: string[]; queue?: string }) => {
        const { io } = cli;
        const [{ loadConfig }, { startWorker }] = await Promise.all([
          import('../../config.js'),
          import('../../worker.js'),
        ]);
        const flags = { processors: options.processors, taskQueue: options.queue };
        const config = loadConfig({ env: io.env, flags, cwd: io.cwd });
        const worker = await startWorker(config);
        writeLine(io.stderr, `Millrace worker on task queue "${config.taskQueue}", ${config.threads} threads`);
        await Promise.race([untilInterrupted(io), worker.done]);
        await worker.stop();
      }),
    );
};
