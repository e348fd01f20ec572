import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project-root.js';

const APPS = ['namesrv', 'broker'];
/** What the bundler makes of them: the command line is a second entry of the broker. */
const BUNDLES = [...APPS, 'rocknest'];
const SOURCES = ['apps', 'libs', 'package-lock.json', 'tsconfig.json', 'nest-cli.json', 'rolldown.config.js'];

function newestChange(path: string): number {
  const info = statSync(path);
  if (!info.isDirectory()) return info.mtimeMs;
  const names = readdirSync(path).filter((name) => name !== 'test' && !name.endsWith('.spec.ts'));
  return Math.max(0, ...names.map((name) => newestChange(join(path, name))));
}

function isFresh(app: string): boolean {
  const main = join(projectRoot, 'dist', app, 'main.js');
  if (!existsSync(main)) return false;
  const builtAt = statSync(main).mtimeMs;
  return SOURCES.every((source) => newestChange(join(projectRoot, source)) <= builtAt);
}

function run(what: string, args: string[]): void {
  const result = spawnSync(process.execPath, args, { cwd: projectRoot, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${what} failed\n${result.stdout}\n${result.stderr}`);
}

/**
 * Runs once before the tests that start processes: they run the built output, so it has to be that of the sources.
 * `TEST_DIST` names a build that is taken as it is.
 */
export default function buildApps(): void {
  if (process.env.TEST_DIST !== undefined || BUNDLES.every(isFresh)) return;
  for (const app of APPS)
    run(`nest build ${app}`, [join(projectRoot, 'node_modules/@nestjs/cli/bin/nest.js'), 'build', app]);
  run('the bundler', [join(projectRoot, 'node_modules/rolldown/bin/cli.mjs'), '-c']);
}
