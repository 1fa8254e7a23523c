import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { DevAddresses } from '../../../src/dev-addresses.js';
import { packageRoot } from '../../../src/cli/package-root.js';
import { freePort } from '../../../src/temporal/free-port.js';

/** A folder like the one of a reader, with the built package installed, and what was started in it. */
export interface DocsPlace {
  folder: string;
  /** The folder that the last shell block ended in. */
  cwd(): string;
  /** Runs a script by bash; variables and the folder are kept for the next one. */
  shell(script: string): Promise<{ code: number; output: string }>;
  /** What pages show of addresses and passwords, and what is there instead. */
  replace(shown: string, given: string): void;
  /** Done when the place is left. */
  atEnd(end: () => Promise<void>): void;
  /** Starts `npx millrace dev …` and waits until it runs. */
  dev(command: string): Promise<void>;
  write(file: string, text: string): Promise<void>;
  stop(): Promise<void>;
}

const STARTED_MS = 60_000;
/** Each `dev` looks for ports that are free and takes them a moment later: two at once would take the same. */
let starting: Promise<unknown> = Promise.resolve();

export async function makeDocsPlace(temporalCli: string): Promise<DocsPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-docs-'));
  const root = packageRoot();
  const modules = join(folder, 'node_modules');
  const bin = join(modules, '.bin');
  await mkdir(bin, { recursive: true });
  await symlink(root, join(modules, 'millrace'));
  for (const name of ['zod', 'tsx']) await symlink(join(root, 'node_modules', name), join(modules, name));
  await symlink(join(root, 'examples'), join(folder, 'examples'));
  await symlink(join(root, 'bin', 'millrace.cjs'), join(bin, 'millrace'));
  await symlink(join(root, 'node_modules', '.bin', 'tsx'), join(bin, 'tsx'));
  await symlink(temporalCli, join(bin, 'temporal'));
  // What npx does with an installed package, without the second that it takes for it.
  await writeFile(join(bin, 'npx'), '#!/bin/sh\ncommand=$1; shift; exec "$(dirname "$0")/$command" "$@"\n');
  await chmod(join(bin, 'npx'), 0o755);

  let port = await freePort('127.0.0.1');
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    HOME: folder,
    TEMPORAL_CLI_PATH: temporalCli,
    TEMPORAL_ADDRESS: undefined,
    MILLRACE_PORT: String(port),
    MILLRACE_API: `http://127.0.0.1:${port}`,
    MILLRACE_THREADS: '2',
    NO_COLOR: '1',
  };
  const state = join(folder, '.state');
  let cwd = folder;
  let service: ChildProcess | undefined;
  const replaced = new Map<string, string>();
  const endings: Array<() => Promise<void>> = [];

  async function shell(script: string): Promise<{ code: number; output: string }> {
    const kept = `set -a; [ -f '${state}' ] && . '${state}'; set +a; cd '${cwd}'`;
    const keep = `trap 'code=$?; set +u; { declare -p ID 2>/dev/null || true; declare -px | grep -E " (MILLRACE_|AWS_)[A-Z0-9_]+=" || true; } > "${state}"; pwd > "${state}.cwd"; exit $code' EXIT`;
    const here = [...replaced].reduce(
      (text, [shown, given]) => text.replaceAll(shown, given),
      script.replaceAll(/\b(localhost|127\.0\.0\.1):8080\b/g, `$1:${port}`),
    );
    const child = spawn('bash', ['-c', `set -euo pipefail; ${kept}; ${keep}\n${here}`], { env });
    let output = '';
    for (const out of [child.stdout, child.stderr])
      out.setEncoding('utf8').on('data', (part: string) => (output += part));
    const code = await new Promise<number>((resolve) => child.once('close', (ended) => resolve(ended ?? 1)));
    cwd = (await readFile(`${state}.cwd`, 'utf8').catch(() => cwd)).trim();
    return { code, output };
  }

  async function start(command: string): Promise<void> {
    const kept = `set -a; [ -f '${state}' ] && . '${state}'; set +a`;
    const child = spawn('bash', ['-c', `${kept}; exec ${command}`], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    service = child;
    let text = '';
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`"${command}" does not run:\n${text}`)), STARTED_MS);
      const hear = (part: string): void => {
        text += part;
        if (!text.includes('Millrace is running')) return;
        clearTimeout(late);
        resolve();
      };
      child.stdout.setEncoding('utf8').on('data', hear);
      child.stderr.setEncoding('utf8').on('data', hear);
      child.once('exit', () => reject(new Error(`"${command}" ended:\n${text}`)));
    });
    const { temporal, api } = JSON.parse(await readFile(join(cwd, '.millrace', 'dev.json'), 'utf8')) as DevAddresses;
    env.TEMPORAL_ADDRESS = temporal;
    // Another port where somebody took the one that was free.
    env.MILLRACE_API = api;
    port = Number(new URL(api).port);
  }

  return {
    folder,
    cwd: () => cwd,
    shell,
    async dev(command) {
      const turn = starting.then(() => start(command));
      starting = turn.catch(() => undefined);
      await turn;
    },
    replace: (shown, given) => void replaced.set(shown, given),
    atEnd: (end) => void endings.push(end),
    async write(file, text) {
      await mkdir(dirname(join(cwd, file)), { recursive: true });
      await writeFile(join(cwd, file), text);
    },
    async stop() {
      if (service && service.exitCode === null) {
        const ended = new Promise((resolve) => service!.once('exit', resolve));
        service.kill('SIGINT');
        await ended;
      }
      for (const end of endings) await end();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
