import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { StoreError } from '../errors.js';
import type { Clock, Timer } from '../io/clock.js';
import type { FileStat, FileSystem, StoreFile } from '../io/file-system.js';
import { errnoOf } from '../io/file-system.js';
import type { Machine } from '../io/machine.js';
import { readSmallFile, writeFullySync } from '../io/transfer.js';
import type { LockOwner } from './lock-owner.js';
import { decodeOwner, describeSelf, encodeOwner, lifeOf } from './lock-owner.js';

export interface StoreLockOptions {
  readonly heartbeatMs: number;
  readonly staleMs: number;
}

const OWNER_LIMIT_BYTES = 4096;
/** What RocketMQ writes into the file. */
const FOREIGN_TEXT = 'lock';
/** A second each: longer than the marker of a process that died while it took a lock over is respected. */
const MAX_ATTEMPTS = 20;

/**
 * Keeps a second process out of a store folder. Node has no `flock`, so the lock is a file that names its owner: made with
 * O_EXCL, taken over only from an owner that is dead, and touched every second so that processes which cannot see the owner's pid
 * (other containers) see it live. docs/decisions/0005-store-lock.md has the reasons.
 */
export class StoreLock {
  private owner: LockOwner | undefined = undefined;
  private timer: Timer | undefined = undefined;

  constructor(
    private readonly path: string,
    private readonly options: StoreLockOptions,
    private readonly fileSystem: FileSystem,
    private readonly clock: Clock,
    private readonly machine: Machine,
    /** The lock file was removed or replaced under us: somebody else may be at work. */
    private readonly onLost: (reason: string) => void,
  ) {}

  /** Takes the lock. Throws `STORE_LOCKED` with the owner in its details. */
  async acquire(): Promise<void> {
    this.refuseForeignLock();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (this.tryCreate()) {
        this.startHeartbeat();
        return;
      }
      const content = await this.readContent();
      if (content === undefined) continue;
      const owner = decodeOwner(content);
      if (owner !== undefined && (await this.isHeld(owner))) throw this.lockedBy(owner);
      if (!this.takeOver(content)) await this.clock.sleep(this.options.heartbeatMs);
    }
    throw new StoreError(
      'STORE_LOCKED',
      `Several processes try to open the store of ${this.path} at once. Start one of them again.`,
      { path: this.path },
    );
  }

  /** Throws `STORE_LOCKED` when a process that lives holds the lock. Takes and changes nothing. */
  async refuseHeld(): Promise<void> {
    this.refuseForeignLock();
    const content = readSmallFile(this.fileSystem, this.path, OWNER_LIMIT_BYTES);
    const owner = content === undefined ? undefined : decodeOwner(content);
    if (owner !== undefined && (await this.isHeld(owner))) throw this.lockedBy(owner);
  }

  release(): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (this.isOurs()) this.fileSystem.remove(this.path);
    this.owner = undefined;
  }

  private async isHeld(owner: LockOwner): Promise<boolean> {
    const life = lifeOf(owner, this.machine);
    if (life === 'dead') return false;
    // Inodes of some network and FUSE file systems differ from mount to mount: only a heartbeat that stopped tells a copy from them.
    if (this.isCopied(owner)) return this.heartbeatSeen(owner);
    return life === 'alive' || (await this.heartbeatSeen(owner));
  }

  private tryCreate(): boolean {
    const file = this.createExclusively(this.path);
    if (file === undefined) return false;
    try {
      const owner = describeSelf(this.machine, file.stat().inode);
      const content = encodeOwner(owner);
      writeFullySync(file, content, 0, content.length, 0);
      this.owner = owner;
      return true;
    } finally {
      file.close();
    }
  }

  /** The lock file's content; undefined when it is gone by now. An empty file is one whose maker is about to write into it, or died just then. */
  private async readContent(): Promise<Buffer | undefined> {
    for (;;) {
      const stat = this.fileSystem.stat(this.path);
      if (stat === undefined) return undefined;
      const content = readSmallFile(this.fileSystem, this.path, OWNER_LIMIT_BYTES);
      const ageMs = Math.abs(this.clock.nowMs() - stat.modifiedAtMs);
      if (content === undefined || content.length > 0 || ageMs > this.options.staleMs) return content;
      await this.clock.sleep(this.options.heartbeatMs / 4);
    }
  }

  /**
   * Removes a dead owner's file. Among several that try, only the one that makes the marker named after the content removes it, and
   * only while the content is still the same: a lock that somebody has taken since is never removed.
   */
  private takeOver(content: Buffer): boolean {
    const marker = join(dirname(this.path), `lock.takeover.${crc32(content).toString(16)}`);
    const file = this.createExclusively(marker);
    if (file === undefined) {
      // Somebody else is at it, or died at it: an old marker is nobody's.
      const stat = this.fileSystem.stat(marker);
      const ageMs = stat === undefined ? 0 : Math.abs(this.clock.nowMs() - stat.modifiedAtMs);
      if (ageMs <= this.options.staleMs) return false;
      this.fileSystem.remove(marker);
      return true;
    }
    try {
      const current = readSmallFile(this.fileSystem, this.path, OWNER_LIMIT_BYTES);
      if (current?.equals(content) === true) this.fileSystem.remove(this.path);
    } finally {
      file.close();
      this.fileSystem.remove(marker);
    }
    return true;
  }

  private createExclusively(path: string): StoreFile | undefined {
    try {
      return this.fileSystem.open(path, { create: true, exclusive: true });
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return undefined;
      throw error;
    }
  }

  /** A folder that was copied while its store was open brings the lock file along, with another inode. */
  private isCopied(owner: LockOwner): boolean {
    const stat = this.fileSystem.stat(this.path);
    return stat !== undefined && owner.inode !== stat.inode;
  }

  /** Watches the file of an owner that cannot be seen: true as soon as it is touched, false when it was not for the stale time. */
  private async heartbeatSeen(owner: LockOwner): Promise<boolean> {
    const first = this.freshStat();
    const isSameKernel = owner.bootId !== '' && owner.bootId === this.machine.bootId();
    const ageMs = first === undefined ? Infinity : this.clock.nowMs() - first.modifiedAtMs;
    // The same kernel means the same clock: an old time stamp needs no watching.
    if (isSameKernel && ageMs > this.options.staleMs) return false;
    const untilMs = this.clock.monotonicMs() + this.options.staleMs;
    while (this.clock.monotonicMs() < untilMs) {
      await this.clock.sleep(this.options.heartbeatMs / 4);
      const now = this.freshStat();
      if (now === undefined) return false;
      if (now.inode !== first?.inode || now.modifiedAtMs !== first.modifiedAtMs) return true;
    }
    return false;
  }

  /** NFS shows times up to a minute old, but fresh ones to whoever has just opened the file. Undefined when there is none. */
  private freshStat(): FileStat | undefined {
    try {
      const file = this.fileSystem.open(this.path, { readOnly: true });
      try {
        return file.stat();
      } finally {
        file.close();
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      return this.fileSystem.stat(this.path);
    }
  }

  /** A Java broker locks the same file with `fcntl`, which the kernel lists. */
  private refuseForeignLock(): void {
    const stat = this.fileSystem.stat(this.path);
    if (stat === undefined) return;
    const [holder] = this.machine.lockHolders(this.path, stat.inode);
    if (holder === undefined) return;
    throw new StoreError(
      'STORE_LOCKED',
      `The store of ${this.path} is in use by process ${holder}, which holds a file lock on it. Stop it first.`,
      {
        path: this.path,
        pid: holder,
      },
    );
  }

  private startHeartbeat(): void {
    this.timer = this.clock.startTimer(() => {
      if (!this.isOurs()) return this.onLost(`the lock file ${this.path} was removed or replaced`);
      if (this.isForeign()) {
        // Left where it is: the Java broker's file lock is on it.
        this.owner = undefined;
        return this.onLost(`an Apache RocketMQ broker was started on the store: it wrote into ${this.path}`);
      }
      try {
        const file = this.fileSystem.open(this.path);
        file.touch();
        file.close();
      } catch {
        // A full or failing disk must not end the heartbeat: the file is still ours.
      }
      this.startHeartbeat();
    }, this.options.heartbeatMs);
  }

  private isOurs(): boolean {
    if (this.owner === undefined) return false;
    const inode = this.fileSystem.stat(this.path)?.inode;
    if (inode === undefined || inode === this.owner.inode) return inode !== undefined;
    // Some network and FUSE file systems give a file another inode when they have forgotten it.
    return this.readOwner()?.token === this.owner.token;
  }

  private readOwner(): LockOwner | undefined {
    try {
      const content = readSmallFile(this.fileSystem, this.path, OWNER_LIMIT_BYTES);
      return content === undefined ? undefined : decodeOwner(content);
    } catch {
      return undefined;
    }
  }

  /** A Java broker does not see our lock: it writes its own text over ours. */
  private isForeign(): boolean {
    try {
      return readSmallFile(this.fileSystem, this.path, OWNER_LIMIT_BYTES)?.indexOf(FOREIGN_TEXT) === 0;
    } catch {
      return false;
    }
  }

  private lockedBy(owner: LockOwner): StoreError {
    return new StoreError(
      'STORE_LOCKED',
      `The store of ${this.path} is in use by process ${owner.pid} on ${owner.hostname}. Stop it first, or name another store folder (a broker's storePathRootDir).`,
      { path: this.path, ...owner },
    );
  }
}
