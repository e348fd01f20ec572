import type {
  DiskUsage,
  FileStat,
  FileSystem,
  FolderEntry,
  OpenOptions,
  ReadDone,
  StoreFile,
  WriteDone,
} from '../io/file-system.js';
import type { SimEntry } from './sim-disk.js';
import { errnoError } from './sim-faults.js';
import type { SimFile } from './sim-file.js';
import type { SimProcess } from './sim-host.js';
import type { SimRandom } from './sim-random.js';

/** Usual times in ms. */
const CALL_MS = 0.02;
const SYNC_MS = 1;
const ASYNC_MS = 0.2;

/** The files of a host as one process sees them: with latency, errors, a limited disk, and a death at any call. */
export class SimFileSystem implements FileSystem {
  constructor(private readonly process: SimProcess) {}

  open(path: string, options: OpenOptions = {}): StoreFile {
    this.enter('open', path);
    const { disk } = this.process.host;
    let entry = disk.find(path);
    if (entry !== undefined && options.exclusive === true) throw errnoError('EEXIST', path);
    if (entry?.kind === 'folder') throw errnoError('EISDIR', path);
    if (entry === undefined) {
      if (options.create !== true) throw errnoError('ENOENT', path);
      this.needParent(path);
      this.needRoomForName(path);
      entry = disk.createFile(path);
      entry.modifiedAtMs = this.process.clock.nowMs();
    }
    return new SimHandle(path, entry, this.process);
  }

  stat(path: string): FileStat | undefined {
    this.enter('stat', path);
    const entry = this.process.host.disk.find(path);
    return entry === undefined ? undefined : statOf(entry);
  }

  list(path: string): FolderEntry[] {
    this.enter('list', path);
    const folder = this.process.host.disk.folder(path);
    if (folder === undefined) return [];
    const entries = [...folder.entries].map(([name, { kind }]) => ({ name, isFolder: kind === 'folder' }));
    // No file system promises an order.
    const { random } = this.process.host.world;
    for (let i = entries.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [entries[i], entries[j]] = [entries[j], entries[i]];
    }
    return entries;
  }

  makeFolder(path: string): void {
    const { disk } = this.process.host;
    const names = path.split('/').filter((name) => name !== '');
    for (let depth = 1; depth <= names.length; depth++) {
      const part = `/${names.slice(0, depth).join('/')}`;
      if (disk.find(part) !== undefined) continue;
      this.enter('makeFolder', part);
      this.needRoomForName(part);
      disk.createFolder(part);
    }
  }

  remove(path: string): void {
    this.enter('remove', path);
    const { disk } = this.process.host;
    const entry = disk.find(path);
    if (entry === undefined) return;
    if (entry.kind === 'folder') for (const name of [...entry.entries.keys()]) this.remove(`${path}/${name}`);
    disk.unlink(path);
  }

  removeFile(path: string, done: (error: Error | undefined) => void): void {
    this.enter('removeFile', path);
    const { disk, faults, world } = this.process.host;
    const unlink = (): void => {
      if (disk.find(path) !== undefined) disk.unlink(path);
    };
    this.process.startCall(
      faults.latencyMs(ASYNC_MS, world.random),
      () => {
        this.process.enter('end of removeFile', path);
        unlink();
        done(undefined);
      },
      (random) => {
        if (random.chance(0.5)) unlink();
      },
    );
  }

  rename(from: string, to: string): void {
    this.enter('rename', `${from} to ${to}`);
    const { disk } = this.process.host;
    if (disk.find(from) === undefined) throw errnoError('ENOENT', from);
    disk.rename(from, to);
  }

  syncFolder(path: string, done: (error: Error | undefined) => void): void {
    this.enter('syncFolder', path);
    const { host } = this.process;
    const { disk, faults, world } = host;
    const sequence = disk.currentSequence;
    const folder = disk.folder(path);
    this.process.startCall(
      faults.latencyMs(SYNC_MS, world.random),
      () => {
        this.process.enter('end of syncFolder', path);
        if (folder === undefined) return done(errnoError('ENOENT', path));
        if (faults.takeSyncError()) return done(errnoError('EIO', path));
        folder.synced(sequence);
        done(undefined);
      },
      () => undefined,
    );
  }

  diskUsage(folder: string, done: (error: Error | undefined, usage: DiskUsage | undefined) => void): void {
    this.enter('diskUsage', folder);
    const { disk, faults, world } = this.process.host;
    this.process.startCall(
      faults.latencyMs(ASYNC_MS, world.random),
      () => {
        const { pageBytes } = disk.options;
        const usedBytes = disk.usedPages * pageBytes;
        const isUnlimited = disk.capacityPages === Number.POSITIVE_INFINITY;
        const availableBytes = isUnlimited ? 100 * usedBytes + 1e9 : disk.capacityPages * pageBytes - usedBytes;
        done(undefined, { usedBytes, availableBytes: Math.max(0, availableBytes) });
      },
      () => undefined,
    );
  }

  private enter(operation: string, path: string): void {
    this.process.enter(operation, path);
    const { faults, world } = this.process.host;
    world.advance(faults.latencyMs(CALL_MS, world.random));
  }

  private needParent(path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (this.process.host.disk.folder(parent) === undefined) throw errnoError('ENOENT', path);
  }

  /** A full disk may or may not have room for a name. */
  private needRoomForName(path: string): void {
    const { disk, world, faults } = this.process.host;
    if (disk.capacityPages === Number.POSITIVE_INFINITY || disk.usedPages < disk.capacityPages) return;
    if (faults.suspended || !world.random.chance(0.5)) return;
    throw errnoError('ENOSPC', path);
  }
}

function statOf(entry: SimEntry): FileStat {
  const { inode, modifiedAtMs } = entry;
  if (entry.kind === 'folder') return { sizeBytes: 0, allocatedBytes: 0, inode, modifiedAtMs };
  const { sizeBytes, pageBytes, allocatedPages } = entry;
  return { sizeBytes, allocatedBytes: allocatedPages.size * pageBytes, inode, modifiedAtMs };
}

class SimHandle implements StoreFile {
  private isOpen = true;
  private calls = 0;

  constructor(
    readonly path: string,
    private readonly file: SimFile,
    private readonly process: SimProcess,
  ) {
    process.openFiles.set(this, path);
  }

  stat(): FileStat {
    this.enter('stat');
    return statOf(this.file);
  }

  writeSync(source: Uint8Array, sourceOffset: number, length: number, position: number): number {
    const { random } = this.process.host.world;
    this.enter(`write ${position}+${length}`, () =>
      this.apply(source, sourceOffset, random.below(length + 1), position),
    );
    return this.writeNow(source, sourceOffset, length, position);
  }

  write(source: Uint8Array, sourceOffset: number, length: number, position: number, done: WriteDone): void {
    this.startCall(
      `write ${position}+${length}`,
      ASYNC_MS,
      () => {
        let written: number;
        try {
          written = this.writeNow(source, sourceOffset, length, position);
        } catch (error) {
          return done(error as Error, 0);
        }
        done(undefined, written);
      },
      (random) => {
        const share = random.weighted({ none: 1, some: 1, all: 1 });
        this.apply(
          source,
          sourceOffset,
          share === 'none' ? 0 : share === 'all' ? length : random.below(length),
          position,
        );
      },
    );
  }

  readSync(target: Uint8Array, targetOffset: number, length: number, position: number): number {
    this.enter(`read ${position}+${length}`);
    return this.readNow(target, targetOffset, length, position);
  }

  read(target: Uint8Array, targetOffset: number, length: number, position: number, done: ReadDone): void {
    this.startCall(`read ${position}+${length}`, ASYNC_MS, () => {
      let read: number;
      try {
        read = this.readNow(target, targetOffset, length, position);
      } catch (error) {
        return done(error as Error, 0);
      }
      done(undefined, read);
    });
  }

  syncData(done: (error: Error | undefined) => void): void {
    // It covers what was written before it started.
    const sequence = this.process.host.disk.currentSequence;
    this.startCall('syncData', SYNC_MS, () => {
      const error = this.syncNow(sequence);
      if (error !== undefined) this.process.hasUnnotedFailure = true;
      done(error);
    });
  }

  syncDataSync(): void {
    this.enter('syncData');
    const error = this.syncNow(this.process.host.disk.currentSequence);
    if (error !== undefined) throw error;
  }

  truncate(sizeBytes: number): void {
    this.enter(`truncate ${sizeBytes}`);
    this.file.truncate(this.process.host.disk.nextSequence(), sizeBytes);
    this.file.modifiedAtMs = this.process.clock.nowMs();
  }

  touch(): void {
    this.enter('touch');
    this.file.modifiedAtMs = this.process.clock.nowMs();
  }

  close(): void {
    if (!this.isOpen) return this.misuse('closed twice');
    if (this.calls > 0) this.misuse('closed while a call on it is under way');
    this.isOpen = false;
    this.process.openFiles.delete(this);
  }

  private writeNow(source: Uint8Array, sourceOffset: number, length: number, position: number): number {
    const { disk, faults, world } = this.process.host;
    if (faults.takeWriteError()) {
      this.apply(source, sourceOffset, world.random.below(length + 1), position);
      throw errnoError('EIO', this.path);
    }
    const wanted = faults.writtenLength(length, world.random);
    let fits = 0;
    for (let at = position; at < position + wanted;) {
      const page = Math.floor(at / this.file.pageBytes);
      if (!disk.hasRoomFor(this.file, page)) break;
      const end = Math.min(position + wanted, (page + 1) * this.file.pageBytes);
      this.apply(source, sourceOffset + fits, end - at, at);
      fits += end - at;
      at = end;
    }
    if (fits === 0 && length > 0) {
      faults.fired++;
      throw errnoError('ENOSPC', this.path);
    }
    return fits;
  }

  private apply(source: Uint8Array, sourceOffset: number, length: number, position: number): void {
    const sequence = this.process.host.disk.nextSequence();
    this.file.write(sequence, source.subarray(sourceOffset, sourceOffset + length), position);
    this.file.modifiedAtMs = this.process.clock.nowMs();
  }

  private readNow(target: Uint8Array, targetOffset: number, length: number, position: number): number {
    if (this.process.host.faults.takeReadError()) throw errnoError('EIO', this.path);
    return this.file.read(target, targetOffset, length, position);
  }

  private syncNow(sequence: number): Error | undefined {
    const { faults, world } = this.process.host;
    if (!faults.takeSyncError()) {
      this.file.synced(sequence);
      return undefined;
    }
    this.file.syncFailed(sequence, world.random);
    return errnoError('EIO', this.path);
  }

  private enter(operation: string, half?: () => void): void {
    if (!this.isOpen) this.misuse('used after it was closed');
    this.process.enter(operation, this.path, half);
    const { faults, world } = this.process.host;
    world.advance(faults.latencyMs(CALL_MS, world.random));
  }

  private startCall(
    operation: string,
    usualMs: number,
    complete: () => void,
    abandon: (random: SimRandom) => void = () => undefined,
  ): void {
    if (!this.isOpen) this.misuse('used after it was closed');
    this.process.enter(operation, this.path);
    const { faults, world } = this.process.host;
    this.calls++;
    this.process.startCall(
      faults.latencyMs(usualMs, world.random),
      () => {
        this.calls--;
        this.process.enter(`end of ${operation}`, this.path);
        complete();
      },
      abandon,
    );
  }

  /** The descriptor could be another file's by then: in production this reads and writes the wrong file. */
  private misuse(what: string): void {
    if (this.process.isAlive)
      this.process.host.world.strayErrors.push(new Error(`the descriptor of ${this.path} was ${what}`));
  }
}
