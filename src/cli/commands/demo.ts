import type { Register } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { writeLine } from '../io.js';
import { untilInterrupted } from '../until-interrupted.js';

export const demoCommand: Register = (program, cli) => {
  program
    .command('demo')
    .summary('process three million real records, from nothing')
    .description(
      'Process three million flights: starts what is missing, shows progress and results, stops what it started',
    )
    .option('--keep', 'leave the services up until Ctrl-C (the default on a terminal)')
    .option('--no-keep', 'stop the services at once')
    .action(
      cli.action(async (options: { keep?: boolean }) => {
        const { io, style, errorStyle } = cli;
        const began = Date.now();
        let interrupted = false;
        const interruption = untilInterrupted(io).then(() => {
          interrupted = true;
        });
        const say = (text: string): void => writeLine(io.stderr, errorStyle.dim(text));
        const [{ loadConfig }, { flightsFile }, { demoServices }, { demoLinks, runDemo }] = await Promise.all([
          import('../../config.js'),
          import('../demo/flights.js'),
          import('../demo/services.js'),
          import('../demo/run-demo.js'),
        ]);
        const flights = flightsFile();
        writeLine(
          io.stdout,
          `${style.bold('Millrace demo')}  ${style.dim('three million US flights of 2001, three jobs')}`,
        );
        const services = await demoServices(loadConfig({ env: io.env, cwd: io.cwd }), flights, io, say);
        try {
          if (interrupted) return EXIT.interrupted;
          say(`Ready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
          const keep = options.keep ?? io.stdout.isTTY === true;
          const jobs = await runDemo(cli, services, flights, services.borrowed || keep);
          if (!jobs) return EXIT.interrupted;
          demoLinks(cli, services, jobs, (Date.now() - began) / 1000);
          if (services.borrowed) return EXIT.completed;
          writeLine(io.stdout);
          if (keep) {
            writeLine(io.stdout, style.dim('The services stay up, so that the links work; press Ctrl-C to stop them'));
            await interruption;
          } else {
            writeLine(io.stdout, style.dim('Stopping the services; with --keep they stay up, so that the links work'));
          }
          return EXIT.completed;
        } finally {
          await services.stop();
        }
      }),
    );
};
