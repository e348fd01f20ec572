import { defineConfig } from 'vitest/config';

/** The part of the tests that needs a JDK and Maven: the official Java clients and broker, one file at a time on 2 cores. */
export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/interop/**/*.spec.ts'],
    globalSetup: ['./test/support/build-apps.ts'],
    setupFiles: ['./test/setup.ts'],
    reporters: ['default', './test/support/plain-reporter.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
