import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Child } from '../../../test/support/child.js';
import { projectRoot } from '../../../test/support/project-root.js';

/** Compiles the example as `npm run demo` does. */
export function buildExample(): void {
  const nest = join(projectRoot, 'node_modules/@nestjs/cli/bin/nest.js');
  const result = spawnSync(process.execPath, [nest, 'build', 'order-service', '--tsc'], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`nest build order-service failed\n${result.stdout}\n${result.stderr}`);
}

/** Starts `main` or `demo` of the built example in a process of its own. */
export function startExample(entry: 'main' | 'demo', env: Record<string, string>): Child {
  const file = join(projectRoot, 'dist/examples/order-service/examples/order-service/src', `${entry}.js`);
  return new Child({
    name: `order-service ${entry}`,
    command: process.execPath,
    args: [file],
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
}

/** Waits for a line of output that matches; fails with the output when the process ends before. */
export function lineOf(child: Child, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = (line: string): void => {
      const match = pattern.exec(line);
      if (match) resolve(match);
    };
    child.onLine(look);
    for (const line of child.tail().split('\n')) look(line);
    void child.waitForExit().then((code) => reject(new Error(`${child.name} ended with ${code}\n${child.tail()}`)));
  });
}
