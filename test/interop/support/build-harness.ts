import { harnessClassPath, serverClassPath } from './maven.js';

/** The official versions that the specs run; what each build downloads and compiles stays in the cache folder. */
const CLIENT_VERSIONS = ['4.9.8', '5.4.0'];
const SERVER_VERSION = '5.4.0';

/** Runs once before the specs: they run side by side, and Maven's local repository takes one download at a time. */
export default function buildHarness(): void {
  for (const version of CLIENT_VERSIONS) harnessClassPath(version);
  serverClassPath(SERVER_VERSION);
}
