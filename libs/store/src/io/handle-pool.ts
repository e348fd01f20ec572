import { StoreError } from '../errors.js';
import type { FileSystem, OpenOptions, StoreFile } from './file-system.js';

/** An open file that stays open until `release()`, which must be called exactly once. */
export interface FileLease {
  readonly file: StoreFile;
  release(): void;
}

/** One descriptor: closed when it has left the pool and nobody uses it any more. */
class PooledFile implements FileLease {
  private uses = 0;
  private leftPool = false;

  constructor(readonly file: StoreFile) {}

  get busy(): boolean {
    return this.uses > 0;
  }

  retain(): FileLease {
    this.uses++;
    return this;
  }

  release(): void {
    this.uses--;
    if (this.leftPool && this.uses === 0) this.file.close();
  }

  leave(): void {
    this.leftPool = true;
    if (this.uses === 0) this.file.close();
  }
}

/**
 * Open descriptors by path, least recently used closed first. A store with 10,000 topics has 40,000 files; without a bound it
 * would need as many descriptors.
 *
 * A synchronous operation takes `open(path)` and is done with the file before it returns to the event loop. An asynchronous one
 * takes `retain(path)` and releases it: a descriptor that is closed under a running read could be another file's by then.
 */
export class HandlePool {
  // A Map keeps insertion order: the first key is the least recently used.
  private readonly files = new Map<string, PooledFile>();
  private ended = false;

  constructor(
    private readonly fileSystem: FileSystem,
    private readonly maxOpenFiles: number,
  ) {}

  get openFiles(): number {
    return this.files.size;
  }

  /** The open file, opened when needed. Throws `ENOENT` when it does not exist and `create` is not given. */
  open(path: string, options?: OpenOptions): StoreFile {
    return this.touch(path, options).file;
  }

  /** The open file, kept open until the lease is released. */
  retain(path: string): FileLease {
    return this.touch(path).retain();
  }

  /** Somebody holds a lease on the file: a read or a sync of it is under way. */
  isBusy(path: string): boolean {
    return this.files.get(path)?.busy === true;
  }

  /** Drops the descriptor of a file that is about to be removed or cut. */
  forget(path: string): void {
    const pooled = this.files.get(path);
    if (pooled === undefined) return;
    this.files.delete(path);
    pooled.leave();
  }

  /** Closes everything, for good: a read that goes on behind the end of the store must not open a file that nobody closes. */
  end(): void {
    this.ended = true;
    this.closeAll();
  }

  closeAll(): void {
    for (const path of [...this.files.keys()]) this.forget(path);
  }

  private touch(path: string, options?: OpenOptions): PooledFile {
    if (this.ended) throw new StoreError('STORE_NOT_OPEN', `the store was closed before ${path} was read`, { path });
    let pooled = this.files.get(path);
    if (pooled === undefined) {
      if (this.files.size >= this.maxOpenFiles) this.evictOne();
      pooled = new PooledFile(this.fileSystem.open(path, options));
    } else {
      this.files.delete(path);
    }
    this.files.set(path, pooled);
    return pooled;
  }

  private evictOne(): void {
    for (const [path, pooled] of this.files) {
      // A busy file is closed by its user later on; the bound is exceeded by at most the operations under way.
      if (pooled.busy) continue;
      this.files.delete(path);
      pooled.leave();
      return;
    }
  }
}
