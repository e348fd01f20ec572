import { basename, dirname, join, relative } from 'node:path';
import { StoreError } from '../../errors.js';
import type { FileSystem, StoreFile } from '../../io/file-system.js';
import { readFully, writeFullySync } from '../../io/transfer.js';

const PIECE_BYTES = 4 * 1024 * 1024;

/** Keeps what a repair takes away, below one folder of its own. */
export class Keeper {
  /** Lines for the report. */
  readonly kept: string[] = [];

  constructor(
    private readonly rootPath: string,
    readonly folder: string,
    private readonly fileSystem: FileSystem,
  ) {}

  /** Moves a file or folder; copies where it must not be moved to another disk. */
  async setAside(path: string): Promise<void> {
    if (this.fileSystem.stat(path) === undefined) return;
    const target = this.targetOf(path);
    this.fileSystem.makeFolder(dirname(target));
    try {
      this.fileSystem.rename(path, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      await this.copyTree(path, target);
      this.fileSystem.remove(path);
    }
    this.kept.push(`${path} -> ${target}`);
  }

  /** Copies bytes of a file to a file of their own, named after their place. */
  async copyRange(path: string, position: number, endPosition: number): Promise<void> {
    const stat = this.fileSystem.stat(path);
    const end = Math.min(endPosition, stat?.sizeBytes ?? 0);
    if (end <= position) return;
    const target = `${this.targetOf(path)}.from-byte-${position}`;
    await this.copyBytes(path, target, position, end);
    this.kept.push(`${path} bytes ${position} to ${end} -> ${target}`);
  }

  /** Writes a small text file into the folder. */
  write(name: string, text: string): void {
    this.fileSystem.makeFolder(this.folder);
    const path = join(this.folder, name);
    const file = this.fileSystem.open(path, { create: true });
    try {
      const bytes = Buffer.from(text);
      file.truncate(0);
      writeFullySync(file, bytes, 0, bytes.length, 0);
      file.syncDataSync();
    } finally {
      file.close();
    }
  }

  private targetOf(path: string): string {
    const inside = relative(this.rootPath, path);
    // A commit log elsewhere has no place below the store folder.
    const name = inside.startsWith('..') ? join(basename(dirname(path)), basename(path)) : inside;
    return join(this.folder, name);
  }

  private async copyTree(path: string, target: string): Promise<void> {
    const names = this.listFolder(path);
    if (names === undefined) {
      await this.copyBytes(path, target, 0, this.fileSystem.stat(path)?.sizeBytes ?? 0);
      return;
    }
    this.fileSystem.makeFolder(target);
    for (const name of names) await this.copyTree(join(path, name), join(target, name));
  }

  /** Undefined for a file. */
  private listFolder(path: string): string[] | undefined {
    try {
      return this.fileSystem.list(path).map(({ name }) => name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  private async copyBytes(path: string, target: string, from: number, to: number): Promise<void> {
    this.fileSystem.makeFolder(dirname(target));
    const source = this.fileSystem.open(path, { readOnly: true });
    try {
      const copy = this.fileSystem.open(target, { create: true });
      try {
        copy.truncate(to - from);
        await copyPieces(source, copy, from, to);
        copy.syncDataSync();
      } finally {
        copy.close();
      }
    } finally {
      source.close();
    }
  }
}

/** Zeros are not written: a copy of a hole takes no disk space. */
async function copyPieces(source: StoreFile, copy: StoreFile, from: number, to: number): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, to - from));
  for (let at = from; at < to;) {
    const length = Math.min(buffer.length, to - at);
    const read = await readFully(source, buffer, 0, length, at);
    if (read === 0) return;
    const piece = buffer.subarray(0, read);
    if (piece.some((byte) => byte !== 0)) writeFullySync(copy, piece, 0, read, at - from);
    at += read;
  }
}

/** Throws when the disk has not the room for what will be kept. */
export function needRoom(fileSystem: FileSystem, folder: string, neededBytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fileSystem.diskUsage(folder, (error, usage) => {
      // Where nobody tells how full the disk is, the copy itself will.
      if (error !== undefined || usage === undefined || usage.availableBytes >= neededBytes) return resolve();
      reject(
        new StoreError(
          'STORE_NOT_WRITABLE',
          `To keep what is damaged, ${neededBytes} bytes are needed in ${folder}; ${usage.availableBytes} are free. Make room, or name a folder on another disk (--keep).`,
          { folder, neededBytes, availableBytes: usage.availableBytes },
        ),
      );
    });
  });
}
