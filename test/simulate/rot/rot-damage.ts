import { dirname } from 'node:path/posix';
import type { SimDisk, SimFolder } from '../../../libs/store/src/simulation/sim-disk.js';
import type { SimFile } from '../../../libs/store/src/simulation/sim-file.js';
import { ROOT_PATH } from '../../../libs/store/src/simulation/sim-options.js';
import type { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';

/** What a file is for. */
export type FileRole = 'log' | 'queue' | 'index' | 'other';

const KINDS = ['bit', 'zeros', 'garbage', 'missing'] as const;
const ROLES = { log: 3, queue: 3, index: 2, other: 2 };

/** Damage to one file of a store that nobody has open, and the way back. */
export class RotDamage {
  private readonly before: Buffer;
  private readonly after: Buffer | undefined;

  private constructor(
    private readonly disk: SimDisk,
    readonly path: string,
    readonly role: FileRole,
    readonly kind: (typeof KINDS)[number],
    /** The bytes `[from, to)` of the file are concerned. */
    readonly from: number,
    readonly to: number,
    file: SimFile,
    random: SimRandom,
  ) {
    this.before = Buffer.from(file.content);
    if (kind === 'missing') {
      disk.forget(path);
      return;
    }
    for (let at = from; at < to; at++) {
      const byte = this.before[at];
      file.corrupt(at, kind === 'bit' ? 1 << random.below(8) : kind === 'zeros' ? byte : random.below(256));
    }
    this.after = Buffer.from(file.content.subarray(from, to));
  }

  /** Damages a file of the store at random; undefined when it has none that holds anything. */
  static strike(disk: SimDisk, random: SimRandom): RotDamage | undefined {
    const role = random.weighted(ROLES);
    const files = [...filesBelow(disk, ROOT_PATH)].filter(
      (one) => roleOf(one.path) === role && usedBytes(one.file) > 0,
    );
    if (files.length === 0) return undefined;
    const { path, file } = random.pick(files);
    const used = usedBytes(file);
    const kind = random.pick([...KINDS]);
    if (kind === 'missing') return new RotDamage(disk, path, role, kind, 0, file.sizeBytes, file, random);
    const from = random.below(used);
    const to = kind === 'bit' ? from + 1 : Math.min(used, from + random.pick([1, 20, 512, 4096]));
    return new RotDamage(disk, path, role, kind, from, to, file, random);
  }

  /** True when something is other than before. */
  get isEffective(): boolean {
    return this.after === undefined || !this.after.equals(this.before.subarray(this.from, this.to));
  }

  /** Puts back what was there, unless the store has made something else of it since. */
  undo(): void {
    const { disk, path, before, from, to, after } = this;
    const file = disk.file(path);
    if (after === undefined) {
      if (file !== undefined || disk.folder(dirname(path)) === undefined) return;
      const made = disk.createFile(path);
      made.write(disk.nextSequence(), before, 0);
      made.synced(disk.currentSequence);
      disk.folder(dirname(path))?.synced(disk.currentSequence);
      return;
    }
    if (file === undefined || !file.content.subarray(from, to).equals(after)) return;
    for (let at = from; at < to; at++) file.corrupt(at, before[at] ^ after[at - from]);
  }

  toString(): string {
    return `${this.kind} in ${this.path} at ${this.from} to ${this.to}`;
  }
}

function roleOf(path: string): FileRole | undefined {
  if (/\/commitlog\/\d{20}$/.test(path)) return 'log';
  if (/\/consumequeue\/[^.].*\/\d{20}$/.test(path)) return 'queue';
  if (/\/index\/\d+$/.test(path)) return 'index';
  return /\/(checkpoint|abort|queuetable)$/.test(path) ? 'other' : undefined;
}

function usedBytes(file: SimFile): number {
  const { content } = file;
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end--;
  return end;
}

function* filesBelow(disk: SimDisk, path: string): Generator<{ path: string; file: SimFile }> {
  const folder: SimFolder | undefined = disk.folder(path);
  for (const [name, entry] of folder?.entries ?? []) {
    const below = `${path}/${name}`;
    if (entry.kind === 'file') yield { path: below, file: entry };
    else yield* filesBelow(disk, below);
  }
}
