import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { mainFile } from '../support/rocknest-process.js';
import type { Member } from './chaos-cluster.js';

const BLOCK_BYTES = 1024 * 1024;
const TAIL_LINES = 5;

/** What is wrong with the stores of stopped brokers: each by itself, and the logs of a group beside each other. */
export function checkStores(brokers: readonly Member[]): string[] {
  const found = brokers.flatMap((member) => verify(member));
  for (const member of brokers) {
    const first = brokers.find(({ group }) => group === member.group)!;
    if (first !== member) found.push(...differences(first, member));
  }
  return found;
}

function verify({ name, folder }: Member): string[] {
  const run = spawnSync(process.execPath, [mainFile('rocknest'), 'store', 'verify', join(folder, 'store')], {
    encoding: 'utf8',
  });
  if (run.status === 0) return [];
  const tail = `${run.stdout}${run.stderr}`.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  return [`the store of ${name} is not sound:\n${tail}`];
}

/** Both have some of the files; where both have a byte it is the same, but for what one of them has not written yet (zeros). */
function differences(one: Member, other: Member): string[] {
  const logOf = ({ folder }: Member): string => join(folder, 'store', 'commitlog');
  const files = readdirSync(logOf(one)).filter((file) => readdirSync(logOf(other)).includes(file));
  return files.flatMap((file) => {
    const position = firstDifference(join(logOf(one), file), join(logOf(other), file));
    return position < 0 ? [] : [`the logs of ${one.name} and ${other.name} differ in ${file} at ${position}`];
  });
}

function firstDifference(one: string, other: string): number {
  const files = [openSync(one, 'r'), openSync(other, 'r')];
  const blocks = files.map(() => Buffer.alloc(BLOCK_BYTES));
  try {
    for (let position = 0; ; position += BLOCK_BYTES) {
      const lengths = files.map((file, at) => readSync(file, blocks[at], 0, BLOCK_BYTES, position));
      const length = Math.min(...lengths);
      if (length === 0) return -1;
      const [a, b] = blocks.map((block) => block.subarray(0, length));
      if (a.equals(b)) continue;
      let at = 0;
      while (a[at] === b[at]) at++;
      // One of them ends there.
      if (a.subarray(at).every((byte) => byte === 0) || b.subarray(at).every((byte) => byte === 0)) return -1;
      return position + at;
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}
