import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../src/core/errors.js';
import { runCommand } from '../../src/temporal/run-command.js';

/** Speaks S3 over a folder: conditional writes, multipart uploads and ranges as the original has them. */
const MODULE = 'github.com/versity/versitygw/cmd/versitygw';
const VERSION = '1.8.0';
const PROBE_MS = 10_000;
const BUILD_MS = 1_500_000;

/**
 * The path of the S3 server that the tests use: `VERSITYGW_PATH`, on PATH, in the cache, or built with Go.
 * @throws where none of these leads to one, with what to do
 */
export async function bringS3Server(
  home: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<string> {
  const cached = path.join(home, 'cache', `versitygw-${VERSION}`);
  for (const candidate of [env.VERSITYGW_PATH, 'versitygw', existsSync(cached) ? cached : undefined]) {
    if (candidate && (await runs(candidate, env))) return candidate;
  }
  const staged = path.join(home, 'cache', `.versitygw-${process.pid}`);
  await mkdir(staged, { recursive: true });
  try {
    say(`building the S3 server of the tests (versitygw ${VERSION}) with Go: about two minutes`);
    await runCommand('go', ['install', `${MODULE}@v${VERSION}`], {
      env: { ...env, GOBIN: staged, CGO_ENABLED: '0' },
      timeoutMs: BUILD_MS,
    });
    await rename(path.join(staged, 'versitygw'), cached);
    return cached;
  } catch (error) {
    throw new Error(
      `there is no S3 server for the tests: versitygw ${VERSION} cannot be built (${messageOf(error)}); install Go 1.24 or later, or set VERSITYGW_PATH to a versitygw`,
      { cause: error },
    );
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

async function runs(binary: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return runCommand(binary, ['--version'], { env, timeoutMs: PROBE_MS }).then(
    () => true,
    () => false,
  );
}
