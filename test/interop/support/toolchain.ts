import { spawnSync } from 'node:child_process';

const TOOLS = [
  { command: 'java', what: 'a Java runtime (JDK 11 or later)' },
  { command: 'javac', what: 'a Java compiler (JDK 11 or later, not a JRE)' },
  { command: 'mvn', what: 'Maven 3.6 or later' },
];

/** Fails where the JDK or Maven is missing: the interop tests prove nothing without them, so they never pass silently. */
export function requireToolchain(): void {
  const missing = TOOLS.filter(
    (tool) => spawnSync(tool.command, ['-version'], { stdio: 'ignore' }).error !== undefined,
  );
  if (missing.length === 0) return;
  const list = missing.map((tool) => `${tool.command}: ${tool.what}`).join('; ');
  throw new Error(
    `the interop tests run the official Java clients and broker and need a JDK and Maven on the PATH; missing: ${list}`,
  );
}
