import { spawnSync } from 'node:child_process';
import { mainFile } from '../../support/rocknest-process.js';

/** `rocknest store verify` on the folder of a broker that does not run. @returns its exit code, and what it printed. */
export function verifyStoreFolder(storePath: string): { code: number | null; output: string } {
  const args = [mainFile('rocknest'), 'store', 'verify', storePath];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 });
  return { code: status, output: `${stdout}\n${stderr}` };
}
