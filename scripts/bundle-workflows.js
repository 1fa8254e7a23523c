/**
 * Bundles the workflows, so that a worker neither needs webpack's time nor the sources: dist/workflow-bundle.js, and another one
 * for workers that encrypt, as how failures are written is part of a bundle.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const inDist = (name) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));
const entry = inDist('workflows/index.js');
const BUNDLES = {
  'workflow-bundle.js': undefined,
  'workflow-bundle.encrypted.js': inDist('workflows/encoded-failures.cjs'),
};

if (!existsSync(entry)) {
  console.error(`bundle the workflows: no file "${entry}"; compile first: npx tsc -p tsconfig.build.json`);
  process.exit(1);
}

const quiet = () => undefined;
const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: console.warn, error: console.error };
for (const [name, failureConverterPath] of Object.entries(BUNDLES)) {
  const { code } = await bundleWorkflowCode({
    workflowsPath: entry,
    workflowInterceptorModules: [inDist('workflows/trace-header.js')],
    failureConverterPath,
    logger,
  });
  await writeFile(inDist(name), code);
  console.log(`dist/${name}: ${Math.round(code.length / 1024)} KiB`);
}
