import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { messageOf } from '../src/core/errors.js';
import { connectClient } from '../src/temporal/connect.js';
import { startDevServer } from '../src/temporal/dev-server.js';
import { findOrBringCli } from '../src/temporal/find-cli.js';
import { ensureSearchAttributes } from '../src/temporal/search-attributes.js';

/** A test gets the server by this helper, directly or by another helper. */
const HELPER = fileURLToPath(new URL('helpers/temporal-server.ts', import.meta.url));
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
  }
}

/** One Temporal server and one bundle of the workflows for the whole run, where a test of it asks for them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const needed = project.config.watch || project.vitest.state.getPaths().some((file) => reaches(file, HELPER));
  if (!needed) {
    project.provide('temporal', null);
    project.provide('workflowBundle', { fault: 'no test of this run asks for it' });
    return async () => undefined;
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-tests-'));
  const [{ stop, ...temporal }, bundle] = await Promise.all([temporalServer(), bundleWorkflows(folder)]);
  project.provide('temporal', temporal);
  project.provide('workflowBundle', bundle);
  return async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  };
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
