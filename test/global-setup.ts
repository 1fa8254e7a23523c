import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { messageOf } from '../src/core/errors.js';
import { connectClient } from '../src/temporal/connect.js';
import { startDevServer } from '../src/temporal/dev-server.js';
import { findOrBringCli } from '../src/temporal/find-cli.js';
import { freePort } from '../src/temporal/free-port.js';
import { ensureSearchAttributes } from '../src/temporal/search-attributes.js';
import { bringS3Server } from './helpers/bring-s3-server.js';
import { builtWorkflowBundle } from './helpers/built-entry-point.js';

/** A test gets the server by this helper, directly or by another helper. */
const HELPER = fileURLToPath(new URL('helpers/temporal-server.ts', import.meta.url));
const S3_HELPER = fileURLToPath(new URL('helpers/s3-server.ts', import.meta.url));
const HOME = fileURLToPath(new URL('../.millrace', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
const TESTS = fileURLToPath(new URL('.', import.meta.url));

export interface TemporalForTests {
  address: string;
  namespace: string;
  /** The `temporal` binary; null where the server was named by TEMPORAL_ADDRESS. */
  cli: string | null;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Null where no test of this run asks for it. */
    temporal: TemporalForTests | null;
    /** File of the bundled workflows, or why there is none. */
    workflowBundle: { path: string } | { fault: string };
    /** Null where no test of this run asks for it, or S3_TESTS is not set. */
    s3: { endpoint: string } | null;
  }
}

/** One server of each kind and one bundle of the workflows for the whole run, where a test of it asks for them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const asksFor = (helper: string) =>
    project.config.watch || project.vitest.state.getPaths().some((file) => reaches(file, helper));
  const folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-tests-'));
  const stopS3 = await provideS3(project, asksFor(S3_HELPER), folder);
  const stopTemporal = await provideTemporal(project, asksFor(HELPER), folder);
  return async () => {
    await Promise.all([stopS3(), stopTemporal()]);
    await rm(folder, { recursive: true, force: true });
  };
}

async function provideTemporal(project: TestProject, needed: boolean, folder: string): Promise<() => Promise<void>> {
  if (!needed) {
    project.provide('temporal', null);
    project.provide('workflowBundle', { fault: 'no test of this run asks for it' });
    return async () => undefined;
  }
  const [{ stop, ...temporal }, bundle] = await Promise.all([temporalServer(), bundleWorkflows(folder)]);
  project.provide('temporal', temporal);
  project.provide('workflowBundle', bundle);
  return stop;
}

/** Only where it was asked for: a machine that has no such server builds it, which takes minutes of all cores. */
async function provideS3(project: TestProject, needed: boolean, folder: string): Promise<() => Promise<void>> {
  if (!needed || !(process.env.S3_TESTS || process.env.DOCS_TESTS)) {
    project.provide('s3', null);
    return async () => undefined;
  }
  const binary = await bringS3Server(HOME, process.env, say);
  const port = await freePort('127.0.0.1');
  project.provide('s3', { endpoint: `http://127.0.0.1:${port}` });
  const server = await startS3(binary, port, folder);
  return async () => void server.kill();
}

async function startS3(binary: string, port: number, folder: string): Promise<ChildProcess> {
  const data = path.join(folder, 's3');
  await mkdir(data);
  const env = { ...process.env, ROOT_ACCESS_KEY: 'millrace', ROOT_SECRET_KEY: 'only-for-tests' };
  const server = spawn(binary, ['--quiet', '--port', `127.0.0.1:${port}`, 'posix', data], { env, stdio: 'ignore' });
  say(`S3 server at 127.0.0.1:${port}`);
  return server;
}

async function temporalServer(): Promise<TemporalForTests & { stop: () => Promise<void> }> {
  if (process.env.TEMPORAL_ADDRESS) {
    const { connection, namespace, address } = await connectClient();
    await ensureSearchAttributes(connection, namespace);
    await connection.close();
    say(`using the Temporal server at ${address}`);
    return { address, namespace, cli: null, stop: async () => undefined };
  }
  const cli = await findOrBringCli({ home: HOME, env: process.env, say });
  // The server lets a workflow continue as new once a second; tests do it more often.
  const extraArgs = ['--dynamic-config-value', 'history.workflowIdReuseMinimalInterval="10ms"'];
  const server = await startDevServer({ cli: cli.path, uiPort: false, extraArgs });
  say(`Temporal server at ${server.address}`);
  return { address: server.address, namespace: 'default', cli: cli.path, stop: server.stop };
}

/** A fault is told to the tests that need the bundle, not to those that only need the server. */
async function bundleWorkflows(folder: string): Promise<{ path: string } | { fault: string }> {
  const built = builtWorkflowBundle();
  if (built !== null) return { path: built };
  if (!existsSync(WORKFLOWS)) return { fault: `no file "${WORKFLOWS}"` };
  try {
    const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
    const { code } = await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('ERROR') });
    const file = path.join(folder, 'workflow-bundle.js');
    await writeFile(file, code);
    say('workflows bundled');
    return { path: file };
  } catch (error) {
    say(`workflows not bundled: ${messageOf(error)}`);
    return { fault: messageOf(error) };
  }
}

/** True where `file` imports `target`, over however many files of this project's tests. */
function reaches(file: string, target: string, seen = new Set<string>()): boolean {
  if (file === target) return true;
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
  return [...imports]
    .map(([, specifier = '']) => path.resolve(path.dirname(file), specifier.replace(/\.js$/, '.ts')))
    .filter((imported) => imported.startsWith(TESTS))
    .some((imported) => reaches(imported, target, seen));
}

function say(line: string): void {
  console.log(`[tests] ${line}`);
}
