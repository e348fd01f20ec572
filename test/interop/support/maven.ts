import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../support/project-root.js';
import { requireToolchain } from './toolchain.js';

/** Builds and downloaded jars stay here between runs; delete it at will. `INTEROP_CACHE` moves it. */
export const cacheFolder = process.env.INTEROP_CACHE ?? join(tmpdir(), 'rocknest-interop-cache');

const interopFolder = join(projectRoot, 'test/interop');

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !join(entry.parentPath, entry.name).includes('/target/'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Runs a Maven project once for each state of its sources; `property` tells the project where its output goes. */
function build(project: string, version: string, property: string, phase: string): string {
  const source = join(interopFolder, project);
  const hash = createHash('sha256');
  for (const file of filesBelow(source)) hash.update(file.slice(source.length)).update(readFileSync(file));
  const target = join(cacheFolder, `${project}-${version}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(join(target, '.complete'))) return target;

  requireToolchain();
  mkdirSync(cacheFolder, { recursive: true });
  const building = `${target}.${process.pid}`;
  const args = [
    '-q',
    '-B',
    '-f',
    join(source, 'pom.xml'),
    `-Drocketmq.version=${version}`,
    `-D${property}=${building}`,
    phase,
  ];
  const result = spawnSync('mvn', args, { encoding: 'utf8' });
  if (result.status !== 0) {
    rmSync(building, { recursive: true, force: true });
    throw new Error(`mvn ${args.join(' ')} failed\n${result.stdout}\n${result.stderr}`);
  }
  writeFileSync(join(building, '.complete'), '');
  // Another test process may have built it meanwhile and may be running it.
  if (existsSync(join(target, '.complete'))) {
    rmSync(building, { recursive: true, force: true });
    return target;
  }
  rmSync(target, { recursive: true, force: true });
  renameSync(building, target);
  return target;
}

/** @returns the class path of the Java harness with the official client of `version`. */
export function harnessClassPath(version: string): string {
  const target = build('java', version, 'harness.directory', 'compile');
  return `${join(target, 'classes')}:${join(target, 'lib')}/*`;
}

/** @returns the class path of the official namesrv and broker of `version`. */
export function serverClassPath(version: string): string {
  return `${join(build('server', version, 'server.directory', 'package'), 'lib')}/*`;
}
