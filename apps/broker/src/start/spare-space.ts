import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SPARE_SPACE_BYTES } from '../defaults.js';

/**
 * A file that takes space while there is some, and gives it to a start on a full disk: that needs a lock file, an `abort` file and SQLite's files
 * beside the database, and has to succeed, for consumers go on and retention makes room. Never throws: without it only that start is refused.
 */
export class SpareSpace {
  constructor(private readonly storePath: string) {}

  /** Before anything is opened: gives its space away when there is no other. */
  give(): void {
    try {
      if (this.availableBytes() < SPARE_SPACE_BYTES) rmSync(this.file, { force: true });
    } catch {
      // Whatever is wrong with the folder, opening it says so.
    }
  }

  /** Takes the space again, unless it is the last. */
  take(): void {
    try {
      if (this.isTaken() || this.availableBytes() < 2 * SPARE_SPACE_BYTES) return;
      // Not zeros: a file system that compresses would take no space for them.
      writeFileSync(this.file, randomBytes(SPARE_SPACE_BYTES));
    } catch {
      this.remove();
    }
  }

  private remove(): void {
    try {
      rmSync(this.file, { force: true });
    } catch {
      // A disk that became read-only.
    }
  }

  private get file(): string {
    return join(this.storePath, 'spare');
  }

  private isTaken(): boolean {
    return statSync(this.file, { throwIfNoEntry: false })?.size === SPARE_SPACE_BYTES;
  }

  private availableBytes(): number {
    const { bavail, bsize } = statfsSync(this.storePath);
    return bavail * bsize;
  }
}
