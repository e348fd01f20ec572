import fs from 'node:fs';
import { dirname } from 'node:path';
import type {
  DiskUsage,
  FileStat,
  FileSystem,
  FolderEntry,
  OpenOptions,
  ReadDone,
  StoreFile,
  WriteDone,
} from './file-system.js';
import { errnoOf } from './file-system.js';

const POSIX_BLOCK_BYTES = 512;

function toFileStat(stats: fs.Stats): FileStat {
  return {
    sizeBytes: stats.size,
    // Windows reports no blocks: then the file counts as fully allocated.
    allocatedBytes: Number.isFinite(stats.blocks) ? stats.blocks * POSIX_BLOCK_BYTES : stats.size,
    inode: stats.ino,
    modifiedAtMs: stats.mtimeMs,
  };
}

class NodeStoreFile implements StoreFile {
  constructor(
    readonly path: string,
    private readonly descriptor: number,
  ) {}

  stat(): FileStat {
    return toFileStat(fs.fstatSync(this.descriptor));
  }

  writeSync(source: Uint8Array, sourceOffset: number, length: number, position: number): number {
    return fs.writeSync(this.descriptor, source, sourceOffset, length, position);
  }

  write(source: Uint8Array, sourceOffset: number, length: number, position: number, done: WriteDone): void {
    fs.write(this.descriptor, source, sourceOffset, length, position, (error, writtenBytes) => {
      done(error ?? undefined, writtenBytes);
    });
  }

  readSync(target: Uint8Array, targetOffset: number, length: number, position: number): number {
    return fs.readSync(this.descriptor, target, targetOffset, length, position);
  }

  read(target: Uint8Array, targetOffset: number, length: number, position: number, done: ReadDone): void {
    fs.read(this.descriptor, target, targetOffset, length, position, (error, readBytes) => {
      done(error ?? undefined, readBytes);
    });
  }

  syncData(done: (error: Error | undefined) => void): void {
    fs.fdatasync(this.descriptor, (error) => {
      done(error ?? undefined);
    });
  }

  syncDataSync(): void {
    fs.fdatasyncSync(this.descriptor);
  }

  truncate(sizeBytes: number): void {
    fs.ftruncateSync(this.descriptor, sizeBytes);
  }

  touch(): void {
    const now = Date.now() / 1000;
    fs.futimesSync(this.descriptor, now, now);
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }
}

/** The file system of the machine. */
export class NodeFileSystem implements FileSystem {
  open(path: string, options: OpenOptions = {}): StoreFile {
    const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants;
    const access = options.readOnly === true ? O_RDONLY : O_RDWR;
    // O_CREAT without O_TRUNC: an existing file keeps its content.
    const flags = access | (options.create === true ? O_CREAT : 0) | (options.exclusive === true ? O_EXCL : 0);
    return new NodeStoreFile(path, fs.openSync(path, flags, 0o644));
  }

  stat(path: string): FileStat | undefined {
    const stats = fs.statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? undefined : toFileStat(stats);
  }

  list(path: string): FolderEntry[] {
    try {
      return fs.readdirSync(path, { withFileTypes: true }).map((entry) => ({
        name: entry.name,
        isFolder: entry.isDirectory(),
      }));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** One folder after the other: Node's own recursive form hides EROFS behind ENOENT, and never ends below /proc. */
  makeFolder(path: string): void {
    try {
      fs.mkdirSync(path);
    } catch (error) {
      // It is there already, or it is a file: the next call into it says which.
      if (errnoOf(error) === 'EEXIST' || fs.existsSync(path)) return;
      const parent = dirname(path);
      if (errnoOf(error) !== 'ENOENT' || parent === path || fs.existsSync(parent)) throw error;
      this.makeFolder(parent);
      this.makeFolder(path);
    }
  }

  remove(path: string): void {
    fs.rmSync(path, { recursive: true, force: true });
  }

  removeFile(path: string, done: (error: Error | undefined) => void): void {
    fs.unlink(path, (error) => {
      done(error === null || errnoOf(error) === 'ENOENT' ? undefined : error);
    });
  }

  rename(from: string, to: string): void {
    fs.renameSync(from, to);
  }

  syncFolder(path: string, done: (error: Error | undefined) => void): void {
    if (process.platform === 'win32') {
      setImmediate(done, undefined);
      return;
    }
    fs.open(path, fs.constants.O_RDONLY, (openError, descriptor) => {
      if (openError !== null) return done(openError);
      fs.fsync(descriptor, (error) => {
        fs.close(descriptor, () => {
          // Some network and overlay file systems refuse fsync on a folder; the names are then as durable as they get.
          const refused = errnoOf(error) === 'EINVAL' || errnoOf(error) === 'ENOTSUP';
          done(error === null || refused ? undefined : error);
        });
      });
    });
  }

  diskUsage(folder: string, done: (error: Error | undefined, usage: DiskUsage | undefined) => void): void {
    fs.statfs(folder, (error, stats) => {
      if (error !== null) return done(error, undefined);
      const { bsize, blocks, bfree, bavail } = stats;
      done(undefined, { usedBytes: (blocks - bfree) * bsize, availableBytes: bavail * bsize });
    });
  }
}
