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
import { NodeFileSystem } from '../io/node-file-system.js';

/** What one write is to do: all, only so many bytes, or fail. */
export type WriteFault = Error | number | undefined;

export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made by the test`), { code });
}

/** The real file system with a disk that fails, stalls or counts as a test wants it. */
export class FaultyFileSystem implements FileSystem {
  private readonly real = new NodeFileSystem();
  /** Asked before each write. */
  onWrite: (path: string, length: number, position: number) => WriteFault = () => undefined;
  /** Asked before each file is opened. */
  onOpen: (path: string) => Error | undefined = () => undefined;
  /** Asked before each fdatasync. */
  onSync: (path: string) => Error | undefined = () => undefined;
  /** Asked before each file is removed. */
  onRemove: (path: string) => Error | undefined = () => undefined;
  /** What the disk claims to hold; undefined: what the real one says. An error: it does not tell. */
  usage: DiskUsage | Error | undefined = undefined;
  /** While true, an fdatasync does not end; `releaseSyncs` lets those go on that wait. */
  holdSyncs = false;
  /** While true, asynchronous reads do not end. */
  holdReads = false;
  /** While true, asynchronous writes do not end. */
  holdWrites = false;
  syncCount = 0;
  asyncWrites = 0;
  syncWrites = 0;
  syncReads = 0;
  asyncReads = 0;
  /** Asynchronous reads that have not ended, and the most there ever were. */
  readsUnderWay = 0;
  mostReadsUnderWay = 0;
  usageCalls = 0;
  /** Files open now, and the most there ever were. */
  openNow = 0;
  mostOpen = 0;
  private held: (() => void)[] = [];

  release(): void {
    this.holdSyncs = this.holdWrites = this.holdReads = false;
    const held = this.held;
    this.held = [];
    for (const go of held) go();
  }

  get heldCount(): number {
    return this.held.length;
  }

  /** Runs `go` now, or when the test releases it. */
  pass(isHeld: boolean, go: () => void): void {
    if (isHeld) this.held.push(go);
    else go();
  }

  open(path: string, options?: OpenOptions): StoreFile {
    const error = this.onOpen(path);
    if (error !== undefined) throw error;
    const file = new FaultyFile(this, this.real.open(path, options));
    this.mostOpen = Math.max(this.mostOpen, ++this.openNow);
    return file;
  }

  stat(path: string): FileStat | undefined {
    return this.real.stat(path);
  }

  list(path: string): FolderEntry[] {
    return this.real.list(path);
  }

  makeFolder(path: string): void {
    this.real.makeFolder(path);
  }

  remove(path: string): void {
    const error = this.onRemove(path);
    if (error !== undefined) throw error;
    this.real.remove(path);
  }

  removeFile(path: string, done: (error: Error | undefined) => void): void {
    const error = this.onRemove(path);
    if (error !== undefined) setImmediate(done, error);
    else this.real.removeFile(path, done);
  }

  rename(from: string, to: string): void {
    this.real.rename(from, to);
  }

  syncFolder(path: string, done: (error: Error | undefined) => void): void {
    this.real.syncFolder(path, done);
  }

  diskUsage(folder: string, done: (error: Error | undefined, usage: DiskUsage | undefined) => void): void {
    const { usage } = this;
    this.usageCalls++;
    if (usage === undefined) this.real.diskUsage(folder, done);
    else if (usage instanceof Error) setImmediate(done, usage, undefined);
    else setImmediate(done, undefined, usage);
  }
}

class FaultyFile implements StoreFile {
  constructor(
    private readonly fileSystem: FaultyFileSystem,
    private readonly real: StoreFile,
  ) {}

  get path(): string {
    return this.real.path;
  }

  stat(): FileStat {
    return this.real.stat();
  }

  writeSync(source: Uint8Array, sourceOffset: number, length: number, position: number): number {
    this.fileSystem.syncWrites++;
    const fault = this.fileSystem.onWrite(this.path, length, position);
    if (fault instanceof Error) throw fault;
    return this.real.writeSync(source, sourceOffset, fault ?? length, position);
  }

  write(source: Uint8Array, sourceOffset: number, length: number, position: number, done: WriteDone): void {
    this.fileSystem.asyncWrites++;
    const fault = this.fileSystem.onWrite(this.path, length, position);
    this.fileSystem.pass(this.fileSystem.holdWrites, () => {
      if (fault instanceof Error) setImmediate(done, fault, 0);
      else this.real.write(source, sourceOffset, fault ?? length, position, done);
    });
  }

  readSync(target: Uint8Array, targetOffset: number, length: number, position: number): number {
    this.fileSystem.syncReads++;
    return this.real.readSync(target, targetOffset, length, position);
  }

  read(target: Uint8Array, targetOffset: number, length: number, position: number, done: ReadDone): void {
    const { fileSystem } = this;
    fileSystem.asyncReads++;
    fileSystem.mostReadsUnderWay = Math.max(fileSystem.mostReadsUnderWay, ++fileSystem.readsUnderWay);
    fileSystem.pass(fileSystem.holdReads, () => {
      this.real.read(target, targetOffset, length, position, (error, read) => {
        fileSystem.readsUnderWay--;
        done(error, read);
      });
    });
  }

  syncData(done: (error: Error | undefined) => void): void {
    this.fileSystem.syncCount++;
    const error = this.fileSystem.onSync(this.path);
    this.fileSystem.pass(this.fileSystem.holdSyncs, () => {
      if (error !== undefined) setImmediate(done, error);
      else this.real.syncData(done);
    });
  }

  syncDataSync(): void {
    this.real.syncDataSync();
  }

  truncate(sizeBytes: number): void {
    this.real.truncate(sizeBytes);
  }

  touch(): void {
    this.real.touch();
  }

  close(): void {
    this.fileSystem.openNow--;
    this.real.close();
  }
}
