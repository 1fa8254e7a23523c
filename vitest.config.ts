import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const builtEntryPoint = fileURLToPath(new URL('test/helpers/built-entry-point.ts', import.meta.url));

export default defineConfig({
  resolve: { alias: [{ find: /^\.\/entry-point\.js$/, replacement: builtEntryPoint }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    // The native part of the Temporal SDK does not survive being loaded by several threads of one process.
    pool: 'forks',
    // A process loads the code once for all files that it runs: what they share at the level of modules has to be fit for that.
    isolate: false,
    // Most of the time is waiting, for servers and for time-outs.
    maxWorkers: 4,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // A busy machine takes longer than the second that is usual.
    expect: { poll: { timeout: 20_000 } },
  },
});
