import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of its own that a test can fill: a tmpfs. Only root may mount one. */
export class SmallDisk {
  private constructor(readonly path: string) {}

  /** Whether this machine allows it. */
  static get isPossible(): boolean {
    try {
      SmallDisk.mount(1024 * 1024).unmount();
      return true;
    } catch {
      return false;
    }
  }

  static mount(sizeBytes: number): SmallDisk {
    if (process.platform !== 'linux') throw new Error('only Linux has a tmpfs');
    const path = mkdtempSync(join(tmpdir(), 'rocknest-disk-'));
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', path]);
    if (status === 0) return new SmallDisk(path);
    rmSync(path, { recursive: true });
    throw new Error(`cannot mount a tmpfs: ${String(stderr)}`);
  }

  private get ballastFile(): string {
    return join(this.path, 'ballast');
  }

  /** Takes space away, until it is given back. */
  takeSpace(sizeBytes: number): void {
    writeFileSync(this.ballastFile, Buffer.alloc(sizeBytes, 1));
  }

  /** Takes all there is, to the last byte. */
  takeAllSpace(): void {
    const file = openSync(this.ballastFile, 'a');
    try {
      for (let sizeBytes = 1024 * 1024; sizeBytes >= 1; sizeBytes = Math.floor(sizeBytes / 2))
        appendAll(file, sizeBytes);
    } finally {
      closeSync(file);
    }
  }

  giveSpaceBack(): void {
    if (existsSync(this.ballastFile)) rmSync(this.ballastFile);
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Writes pieces of one size until there is no room for another. */
function appendAll(file: number, sizeBytes: number): void {
  const piece = Buffer.alloc(sizeBytes, 1);
  try {
    while (writeSync(file, piece) === sizeBytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
