import { execFile } from 'node:child_process';

/**
 * Runs a program to its end. Nothing goes through a shell.
 * @returns what it wrote to stdout
 * @throws Error with the last line of stderr, or that it is not there, or that it took too long
 */
export function runCommand(
  file: string,
  args: string[],
  options: { env: NodeJS.ProcessEnv; timeoutMs: number; cwd?: string },
): Promise<string> {
  const { env, timeoutMs, cwd } = options;
  return new Promise((resolve, reject) => {
    const settings = { env, cwd, timeout: timeoutMs, killSignal: 'SIGKILL' as const, maxBuffer: 16 * 1024 ** 2 };
    execFile(file, args, settings, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else reject(new Error(reasonOf(error, stderr, timeoutMs), { cause: error }));
    });
  });
}

function reasonOf(
  error: Error & { code?: unknown; killed?: boolean; signal?: string | null },
  stderr: string,
  timeoutMs: number,
) {
  if (error.code === 'ENOENT') return 'not found';
  if (error.code === 'EACCES') return 'not executable';
  if (error.killed) return `gave no answer within ${timeoutMs / 1000} s`;
  const last = stderr.trim().split('\n').at(-1)?.trim();
  return last || (error.signal ? `ended by ${error.signal}` : `exit code ${String(error.code)}`);
}
