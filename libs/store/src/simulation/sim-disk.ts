import { SimFile } from './sim-file.js';
import type { SimRandom } from './sim-random.js';
import type { SimWorld } from './sim-world.js';

/** How a disk treats changes of names that no fsync of the folder covered. */
export type NameLoss =
  /** Like a journal: up to a moment all of them are kept, behind it none. */
  | 'ordered'
  /** As little as POSIX promises: each name on its own. */
  | 'independent';

export interface SimDiskOptions {
  readonly pageBytes: number;
  readonly nameLoss: NameLoss;
}

export type SimEntry = SimFile | SimFolder;

/** A name that changed: it stands for `entry` now, or for nothing. The members of a group (rename) are kept or lost together. */
interface NameChange {
  readonly sequence: number;
  readonly name: string;
  readonly entry: SimEntry | undefined;
}

/** A folder: names as processes see them, and as the disk has them. */
export class SimFolder {
  readonly kind = 'folder';
  modifiedAtMs = 0;
  entries = new Map<string, SimEntry>();
  durable = new Map<string, SimEntry>();
  pending: NameChange[] = [];

  constructor(readonly inode: number) {}

  change(sequence: number, name: string, entry: SimEntry | undefined): void {
    if (entry === undefined) this.entries.delete(name);
    else this.entries.set(name, entry);
    this.pending.push({ sequence, name, entry });
  }

  synced(sequence: number): void {
    this.keep((change) => change.sequence <= sequence);
    this.pending = this.pending.filter((change) => change.sequence > sequence);
  }

  /** Changes of one name, and of one group, are kept up to a point. */
  powerLoss(isKept: (sequence: number) => boolean): void {
    const lostNames = new Set<string>();
    const lostGroups = new Set<number>();
    // A group is lost when one of its names is: look before anything is decided.
    for (let found = true; found;) {
      found = false;
      lostNames.clear();
      for (const { sequence, name } of this.pending) {
        const isLost = lostNames.has(name) || lostGroups.has(sequence) || !isKept(sequence);
        if (!isLost) continue;
        lostNames.add(name);
        if (!lostGroups.has(sequence)) {
          lostGroups.add(sequence);
          found = true;
        }
      }
    }
    this.keep(({ sequence }) => !lostGroups.has(sequence));
    this.pending = [];
    this.entries = new Map(this.durable);
  }

  private keep(isKept: (change: NameChange) => boolean): void {
    for (const change of this.pending) {
      if (!isKept(change)) continue;
      if (change.entry === undefined) this.durable.delete(change.name);
      else this.durable.set(change.name, change.entry);
    }
  }
}

/** The disk of one host: a tree of folders and files, its capacity, and what a power loss leaves of it. */
export class SimDisk {
  readonly root: SimFolder;
  /** Pages that files may take together. */
  capacityPages = Number.POSITIVE_INFINITY;
  private inodes = 1;
  private sequence = 0;

  constructor(
    private readonly world: SimWorld,
    readonly options: SimDiskOptions,
  ) {
    this.root = new SimFolder(this.inodes++);
  }

  /** The number of the next change: an fsync covers what has a smaller one. */
  nextSequence(): number {
    return ++this.sequence;
  }

  get currentSequence(): number {
    return this.sequence;
  }

  find(path: string): SimEntry | undefined {
    let entry: SimEntry | undefined = this.root;
    for (const name of namesOf(path)) {
      if (entry?.kind !== 'folder') return undefined;
      entry = entry.entries.get(name);
    }
    return entry;
  }

  folder(path: string): SimFolder | undefined {
    const entry = this.find(path);
    return entry?.kind === 'folder' ? entry : undefined;
  }

  file(path: string): SimFile | undefined {
    const entry = this.find(path);
    return entry?.kind === 'file' ? entry : undefined;
  }

  createFile(path: string): SimFile {
    const file = new SimFile(this.inodes++, this.options.pageBytes);
    file.modifiedAtMs = this.world.nowMs;
    this.parentOf(path).change(this.nextSequence(), nameOf(path), file);
    return file;
  }

  /** A folder that was always there. */
  makeMountPoint(path: string): void {
    this.createFolder(path);
    this.parentOf(path).synced(this.sequence);
  }

  createFolder(path: string): void {
    this.parentOf(path).change(this.nextSequence(), nameOf(path), new SimFolder(this.inodes++));
  }

  /** Unlinks one file or one empty folder. */
  unlink(path: string): void {
    this.parentOf(path).change(this.nextSequence(), nameOf(path), undefined);
  }

  /** Somebody takes a file or a folder away for good. @returns false when there is none. */
  forget(path: string): boolean {
    if (this.find(path) === undefined) return false;
    this.unlink(path);
    this.parentOf(path).synced(this.sequence);
    return true;
  }

  rename(from: string, to: string): void {
    const entry = this.find(from);
    if (entry === undefined) throw new Error(`there is no ${from} to rename`);
    const sequence = this.nextSequence();
    this.parentOf(from).change(sequence, nameOf(from), undefined);
    this.parentOf(to).change(sequence, nameOf(to), entry);
  }

  get usedPages(): number {
    let pages = 0;
    for (const { entry } of this.walk()) if (entry.kind === 'file') pages += entry.allocatedPages.size;
    return pages;
  }

  /** Whether the file may take one page more at that place. */
  hasRoomFor(file: SimFile, page: number): boolean {
    if (this.capacityPages === Number.POSITIVE_INFINITY || file.allocatedPages.has(page)) return true;
    return this.usedPages < this.capacityPages;
  }

  /** The power goes off and comes back. */
  powerLoss(random: SimRandom): void {
    const isKept = this.nameLossRule(random);
    const everything = [...this.walk(true)];
    for (const { entry } of everything) if (entry.kind === 'folder') entry.powerLoss(isKept);
    for (const { entry } of this.walk()) if (entry.kind === 'file') entry.powerLoss(random);
  }

  /** The kernel gives page cache back that a failed fdatasync left behind as clean. @returns what reads differently now. */
  evictDropped(): { path: string; position: number }[] {
    const changed: { path: string; position: number }[] = [];
    for (const { path, entry } of this.walk()) {
      if (entry.kind !== 'file') continue;
      for (const position of entry.evictDropped()) changed.push({ path, position });
    }
    return changed;
  }

  /** Everything below the root; with `withLost` also what only the disk still names. */
  *walk(withLost = false, folder = this.root, path = ''): Generator<{ path: string; entry: SimEntry }> {
    yield { path: path === '' ? '/' : path, entry: folder };
    const seen = new Set<SimEntry>();
    for (const [name, entry] of [...folder.entries, ...(withLost ? lostEntries(folder) : [])]) {
      if (seen.has(entry)) continue;
      seen.add(entry);
      if (entry.kind === 'folder') yield* this.walk(withLost, entry, `${path}/${name}`);
      else yield { path: `${path}/${name}`, entry };
    }
  }

  private nameLossRule(random: SimRandom): (sequence: number) => boolean {
    if (this.options.nameLoss === 'independent') {
      const decided = new Map<number, boolean>();
      const share = random.pick([0.1, 0.5, 0.9]);
      return (sequence) => {
        const known = decided.get(sequence);
        if (known !== undefined) return known;
        const isKept = random.chance(share);
        decided.set(sequence, isKept);
        return isKept;
      };
    }
    const pending = [...this.walk(true)]
      .flatMap(({ entry }) => (entry.kind === 'folder' ? entry.pending : []))
      .map(({ sequence }) => sequence)
      .sort((a, b) => a - b);
    const limit = pending.length === 0 ? 0 : pending[random.below(pending.length)];
    const last = random.chance(0.25) ? Number.POSITIVE_INFINITY : limit;
    return (sequence) => sequence < last;
  }

  private parentOf(path: string): SimFolder {
    const names = namesOf(path);
    const parent = this.folder(`/${names.slice(0, -1).join('/')}`);
    if (parent === undefined) throw new Error(`the folder of ${path} is missing`);
    return parent;
  }
}

function lostEntries(folder: SimFolder): [string, SimEntry][] {
  const lost: [string, SimEntry][] = [...folder.durable];
  for (const { name, entry } of folder.pending) if (entry !== undefined) lost.push([name, entry]);
  return lost;
}

function namesOf(path: string): string[] {
  return path.split(/[\\/]/).filter((name) => name !== '');
}

function nameOf(path: string): string {
  return namesOf(path).at(-1) ?? '';
}
