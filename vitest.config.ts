import { defineConfig } from 'vitest/config';

/** One project for each layer of docs/internals/testing.md; `isolate: false` because start-up of Nest dominates otherwise. */
const layer = (name: string, include: string[], timeoutMs: number, globalSetup: string[] = []) => ({
  extends: true as const,
  test: { name, include, testTimeout: timeoutMs, hookTimeout: timeoutMs, globalSetup },
});

/** For layers that start the built broker as a process of its own. */
const buildApps = ['./test/support/build-apps.ts'];

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    isolate: false,
    pool: 'forks',
    maxWorkers: 2,
    setupFiles: ['./test/setup.ts'],
    reporters: ['default', './test/support/plain-reporter.ts'],
    projects: [
      layer(
        'unit',
        ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'test/tidy/**/*.spec.ts', 'test/chaos/**/*.spec.ts'],
        20_000,
      ),
      layer('e2e', ['test/e2e/**/*.spec.ts', 'test/issues/**/*.spec.ts', 'examples/**/*.spec.ts'], 60_000, buildApps),
      layer('simulate', ['test/simulate/**/*.spec.ts'], 120_000),
      layer('conformance', ['test/conformance/**/*.spec.ts'], 60_000),
      layer('crash', ['test/crash/**/*.spec.ts'], 300_000, buildApps),
    ],
  },
});
