import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    // The native part of the Temporal SDK does not survive being loaded by several threads of one process.
    pool: 'forks',
    // Most of the time is waiting, for servers and for time-outs.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 20_000,
  },
});
