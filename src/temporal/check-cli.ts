import { messageOf } from '../core/errors.js';
import { runCommand } from './run-command.js';

const CHECK_MS = 10_000;
/** Flags of `server start-dev` that this project's servers are started with. */
const NEEDED_FLAGS = ['--sqlite-pragma', '--dynamic-config-value', '--search-attribute'];

/** The version of a binary that runs and has a dev server with the flags we need; else what is wrong with it. */
export async function checkCli(file: string, env: NodeJS.ProcessEnv): Promise<{ version: string } | { fault: string }> {
  try {
    const told = await runCommand(file, ['--version'], { env, timeoutMs: CHECK_MS });
    const version = /^temporal version (\S+)/m.exec(told)?.[1];
    if (version === undefined)
      return { fault: `"--version" tells "${told.trim().slice(0, 80)}", wanted "temporal version …"` };
    const help = await runCommand(file, ['server', 'start-dev', '--help'], { env, timeoutMs: CHECK_MS });
    const lacking = NEEDED_FLAGS.filter((flag) => !help.includes(flag));
    if (lacking.length > 0) return { fault: `"server start-dev" of version ${version} lacks ${lacking.join(', ')}` };
    return { version };
  } catch (error) {
    return { fault: messageOf(error) };
  }
}
