import { Child } from '../../support/child.js';
import { mainFile } from '../../support/rocknest-process.js';

/** What `rocknest store ...` ended with and printed, on either stream. */
export interface StoreCommandResult {
  readonly exitCode: number | null;
  readonly lines: readonly string[];
}

/** Runs `rocknest store COMMAND DIR ...` to its end. */
export async function storeCommand(command: string, store: string, ...flags: string[]): Promise<StoreCommandResult> {
  const child = new Child({
    name: `rocknest store ${command}`,
    command: process.execPath,
    args: [mainFile('rocknest'), 'store', command, store, ...flags],
  });
  const lines: string[] = [];
  child.onLine((line) => lines.push(line));
  return { exitCode: await child.waitForExit(), lines };
}

/** The same; throws with what was printed when it does not end well. */
export async function storeCommandOk(command: string, store: string, ...flags: string[]): Promise<readonly string[]> {
  const { exitCode, lines } = await storeCommand(command, store, ...flags);
  if (exitCode !== 0) throw new Error(`rocknest store ${command} ended with ${exitCode}:\n${lines.join('\n')}`);
  return lines;
}
