import type { SimRandom } from './sim-random.js';

/** Errors that a disk gives, and how slow it is. Set by the history, read by the file system of the host. */
export class SimFaults {
  /** The n-th fdatasync or folder fsync from now on fails with EIO. */
  syncErrorIn: number | undefined = undefined;
  /** The n-th write from now on fails with EIO. */
  writeErrorIn: number | undefined = undefined;
  /** The n-th read from now on fails with EIO. */
  readErrorIn: number | undefined = undefined;
  /** Share of writes that do less than asked. */
  shortWriteShare = 0;
  /** Share of calls that take long. */
  slowShare = 0;
  slowMs = 0;
  /** While set, no error is given and nothing is slow: a checker looks at the store. */
  suspended = false;
  /** Errors given since somebody last looked. */
  fired = 0;
  /** An fdatasync failed since the history began: pages may be gone though a process saw them. */
  syncFailures = 0;

  heal(): void {
    this.syncErrorIn = this.writeErrorIn = this.readErrorIn = undefined;
    this.shortWriteShare = this.slowShare = this.slowMs = 0;
  }

  takeSyncError(): boolean {
    if (this.suspended || this.syncErrorIn === undefined) return false;
    if (--this.syncErrorIn > 0) return false;
    this.syncErrorIn = undefined;
    this.fired++;
    this.syncFailures++;
    return true;
  }

  takeWriteError(): boolean {
    if (this.suspended || this.writeErrorIn === undefined) return false;
    if (--this.writeErrorIn > 0) return false;
    this.writeErrorIn = undefined;
    this.fired++;
    return true;
  }

  takeReadError(): boolean {
    if (this.suspended || this.readErrorIn === undefined) return false;
    if (--this.readErrorIn > 0) return false;
    this.readErrorIn = undefined;
    this.fired++;
    return true;
  }

  /** How much of a write is done. */
  writtenLength(length: number, random: SimRandom): number {
    if (this.suspended || length < 2 || !random.chance(this.shortWriteShare)) return length;
    return random.between(1, length - 1);
  }

  /** How long a call takes that normally takes `usualMs`. */
  latencyMs(usualMs: number, random: SimRandom): number {
    if (this.suspended) return 0.001;
    const isSlow = this.slowShare > 0 && random.chance(this.slowShare);
    return usualMs * (0.2 + random.float()) + (isSlow ? this.slowMs * random.float() : 0);
  }
}

/** What a Node call fails with. */
export function errnoError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
