import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { projectRoot } from './project-root.js';

/**
 * Bundles a program of the tests, so that processes start with it as fast as users' applications do.
 *
 * @param source below the project's folder.
 * @param external packages that are not bundled; the folder must be where they are found.
 * @returns the file to be run.
 */
export function buildProgram(source: string, folder: string, external: readonly string[] = []): string {
  const rolldown = join(projectRoot, 'node_modules/rolldown/bin/cli.mjs');
  const output = join(folder, 'program');
  const flags = ['--platform', 'node', '--format', 'esm', '--sourcemap', '-d', output];
  flags.push(...external.flatMap((name) => ['-e', name]));
  const args = [rolldown, join(projectRoot, source), ...flags];
  const built = spawnSync(process.execPath, args, { cwd: projectRoot, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${source} was not built\n${built.stdout}\n${built.stderr}`);
  return join(output, basename(source).replace(/\.ts$/, '.js'));
}
