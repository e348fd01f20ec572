/**
 * The files the store works on, as an interface: the store never imports `node:fs` itself, so that a simulator can lose unsynced
 * pages, tear writes or fill the disk under the real code. `NodeFileSystem` is the one that runs in production.
 *
 * Errors are Node's own (`code` is `ENOENT`, `ENOSPC`, `EIO`, ...), thrown by the `*Sync` methods and handed to the callbacks.
 */
export interface FileSystem {
  /**
   * Opens for reading and writing. `create` makes an empty file when there is none (`ENOENT` without it), `exclusive` with it throws
   * `EEXIST` when there is one: of several processes, one succeeds.
   */
  open(path: string, options?: OpenOptions): StoreFile;
  /** Size and allocated bytes, or undefined when there is no such file. */
  stat(path: string): FileStat | undefined;
  /** Names in a folder, unsorted; empty when the folder does not exist. */
  list(path: string): FolderEntry[];
  /** Makes a folder and its parents; fine when it exists. */
  makeFolder(path: string): void;
  /** Removes a file or a folder with all it holds; fine when it does not exist. */
  remove(path: string): void;
  /** Removes a file off the event loop: giving 1 GiB of blocks back takes a disk many ms. Fine when there is none. */
  removeFile(path: string, done: (error: Error | undefined) => void): void;
  /** Replaces `to` atomically. */
  rename(from: string, to: string): void;
  /** Makes names created, renamed or removed in the folder durable, off the event loop. Does nothing where the platform has no such call. */
  syncFolder(path: string, done: (error: Error | undefined) => void): void;
  /** How full the disk below a folder is, asked off the event loop. */
  diskUsage(folder: string, done: (error: Error | undefined, usage: DiskUsage | undefined) => void): void;
}

/** Bytes of the file system that holds a folder. */
export interface DiskUsage {
  readonly usedBytes: number;
  /** What this process may still write. What is kept back for the superuser is neither used nor available. */
  readonly availableBytes: number;
}

export interface OpenOptions {
  readonly create?: boolean;
  readonly exclusive?: boolean;
  /** Opens for reading alone: needs no right to write. */
  readonly readOnly?: boolean;
}

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

export interface FileStat {
  readonly sizeBytes: number;
  /** What the file takes on disk: less than `sizeBytes` for a sparse file. */
  readonly allocatedBytes: number;
  readonly inode: number;
  readonly modifiedAtMs: number;
}

export type WriteDone = (error: Error | undefined, writtenBytes: number) => void;
export type ReadDone = (error: Error | undefined, readBytes: number) => void;

/** One open file. Positions are always explicit; a write or read may do less than asked, as in POSIX. */
export interface StoreFile {
  readonly path: string;
  stat(): FileStat;
  writeSync(source: Uint8Array, sourceOffset: number, length: number, position: number): number;
  write(source: Uint8Array, sourceOffset: number, length: number, position: number, done: WriteDone): void;
  readSync(target: Uint8Array, targetOffset: number, length: number, position: number): number;
  read(target: Uint8Array, targetOffset: number, length: number, position: number, done: ReadDone): void;
  /** `fdatasync` off the event loop. */
  syncData(done: (error: Error | undefined) => void): void;
  syncDataSync(): void;
  /** Cuts or extends with zeros that take no disk space. */
  truncate(sizeBytes: number): void;
  /** Sets the modification time to now. */
  touch(): void;
  close(): void;
}

/** The code of a Node system error (`ENOSPC`, ...), or an empty string. */
export function errnoOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** Whether a write failed since there is no space (or no quota) left. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errnoOf(error));
}

/** Errors of a write that touched nothing: no space, no right, no descriptor, no memory. */
const HARMLESS = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'ENOENT',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EINTR',
]);

/** Whether a write failed on the way to the disk (`EIO`, `ESTALE`, ...), so that pages which were written before may be lost as well. */
export function mayLosePages(error: unknown): boolean {
  const code = errnoOf(error);
  return /^E[A-Z0-9]+$/.test(code) && !HARMLESS.has(code);
}

/** The same error with the file in its message: errors of fdatasync, write and read do not name it. Its code stays. */
export function atPath(path: string, error: Error): Error {
  if (error.message.includes(path)) return error;
  return Object.assign(new Error(`${path}: ${error.message}`, { cause: error }), { code: errnoOf(error) });
}
