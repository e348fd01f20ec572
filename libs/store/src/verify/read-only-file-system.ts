import type {
  DiskUsage,
  FileStat,
  FileSystem,
  FolderEntry,
  OpenOptions,
  ReadDone,
  StoreFile,
} from '../io/file-system.js';

/** A file system that nothing can be changed through: what looks at a store cannot harm it, and needs no right to write. */
export class ReadOnlyFileSystem implements FileSystem {
  /** Bytes read so far, for progress and for tests. */
  readBytes = 0;

  constructor(private readonly inner: FileSystem) {}

  open(path: string, options: OpenOptions = {}): StoreFile {
    if (options.create === true) throw refused('create', path);
    return new ReadOnlyFile(this.inner.open(path, { readOnly: true }), this);
  }

  stat(path: string): FileStat | undefined {
    return this.inner.stat(path);
  }

  list(path: string): FolderEntry[] {
    return this.inner.list(path);
  }

  diskUsage(folder: string, done: (error: Error | undefined, usage: DiskUsage | undefined) => void): void {
    this.inner.diskUsage(folder, done);
  }

  makeFolder(path: string): void {
    throw refused('make', path);
  }

  remove(path: string): void {
    throw refused('remove', path);
  }

  removeFile(path: string): void {
    throw refused('remove', path);
  }

  rename(path: string): void {
    throw refused('rename', path);
  }

  syncFolder(path: string): void {
    throw refused('sync', path);
  }
}

class ReadOnlyFile implements StoreFile {
  constructor(
    private readonly inner: StoreFile,
    private readonly counter: { readBytes: number },
  ) {}

  get path(): string {
    return this.inner.path;
  }

  stat(): FileStat {
    return this.inner.stat();
  }

  readSync(target: Uint8Array, targetOffset: number, length: number, position: number): number {
    const read = this.inner.readSync(target, targetOffset, length, position);
    this.counter.readBytes += read;
    return read;
  }

  read(target: Uint8Array, targetOffset: number, length: number, position: number, done: ReadDone): void {
    this.inner.read(target, targetOffset, length, position, (error, read) => {
      if (error === undefined) this.counter.readBytes += read;
      done(error, read);
    });
  }

  writeSync(): number {
    throw refused('write', this.path);
  }

  write(): void {
    throw refused('write', this.path);
  }

  syncData(): void {
    throw refused('sync', this.path);
  }

  syncDataSync(): void {
    throw refused('sync', this.path);
  }

  truncate(): void {
    throw refused('cut', this.path);
  }

  touch(): void {
    throw refused('touch', this.path);
  }

  close(): void {
    this.inner.close();
  }
}

function refused(what: string, path: string): Error {
  return new Error(`a store that is only looked at must not ${what} ${path}`);
}
