/** Bundles the workflows into dist/workflow-bundle.js, so that a worker neither needs webpack's time nor the sources. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const entry = fileURLToPath(new URL('../dist/workflows/index.js', import.meta.url));
const target = fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url));

if (!existsSync(entry)) {
  console.error(`bundle the workflows: no file "${entry}"; compile first: npx tsc -p tsconfig.build.json`);
  process.exit(1);
}

const quiet = () => undefined;
const { code } = await bundleWorkflowCode({
  workflowsPath: entry,
  logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: console.warn, error: console.error },
});
await writeFile(target, code);
console.log(`dist/workflow-bundle.js: ${Math.round(code.length / 1024)} KiB`);
