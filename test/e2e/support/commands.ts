/** The command line of the build, in processes of its own, as an operator starts them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../../bin/millrace.cjs', import.meta.url));

/** A process that works until it is stopped. */
export interface Service {
  /** What it printed until now. */
  said(): string;
  stop(): Promise<void>;
}

export interface Commands {
  /** Starts `millrace api` or `millrace worker`. Resolves when it says that it works. */
  start(command: string, env: NodeJS.ProcessEnv): Promise<Service>;
  /** Runs a command to its end. @returns what it printed on standard output */
  output(args: string[], env: NodeJS.ProcessEnv): Promise<string>;
  /** Stops what is still at work. */
  stop(): Promise<void>;
}

/** @param cwd the folder in which they are started */
export function commandsIn(cwd: string): Commands {
  const services: Service[] = [];
  return {
    async start(command, env) {
      const child = spawn(process.execPath, [BIN, command], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      const service: Service = {
        said: () => said,
        async stop() {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const exit = once(child, 'exit');
          child.kill('SIGTERM');
          await exit;
        },
      };
      services.push(service);
      await new Promise<void>((resolve, reject) => {
        for (const out of [child.stdout, child.stderr]) {
          out.setEncoding('utf8').on('data', (text: string) => {
            said += text;
            if (said.includes('Millrace ')) resolve();
          });
        }
        child.once('exit', (code) => reject(new Error(`"millrace ${command}" ended with ${code}: ${said}`)));
      });
      return service;
    },
    async output(args, env) {
      const child = spawn(process.execPath, [BIN, ...args], { env, cwd, stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
      await once(child, 'close');
      return text;
    },
    async stop() {
      await Promise.all(services.map((service) => service.stop()));
    },
  };
}
