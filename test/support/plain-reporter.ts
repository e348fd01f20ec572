import type { Reporter, TestModule } from 'vitest/node';

/** Prints a line for each failed test and `N passed, N failed` at the end: the plain lines that continuous integration reads. */
export default class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    let skipped = 0;
    const failures = unhandledErrors.map((error) => `outside a test: ${firstLine(error)}`);
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) {
        failures.push(`${module.relativeModuleId}: ${firstLine(module.errors()[0])}`);
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed++;
        else if (result.state === 'failed') {
          failures.push(`${module.relativeModuleId} > ${test.fullName}: ${firstLine(result.errors[0])}`);
        } else skipped++;
      }
    }
    for (const failure of failures) console.log(`failed: ${failure}`);
    console.log(`\n${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }
}

function firstLine(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message).split('\n', 1)[0] ?? '';
}
