import { defineConfig } from 'vitest/config';

/**
 * The part of the tests that needs a JDK and Maven: the official Java clients and broker. Most files wait for paced retries, lock times and
 * JVMs, so three run at a time.
 */
export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/interop/**/*.spec.ts'],
    globalSetup: ['./test/support/build-apps.ts', './test/interop/support/build-harness.ts'],
    setupFiles: ['./test/setup.ts'],
    reporters: ['default', './test/support/plain-reporter.ts'],
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
