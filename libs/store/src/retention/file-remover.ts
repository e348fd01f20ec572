import type { Clock } from '../io/clock.js';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';

export interface FileRemoverOptions {
  readonly busyCheckMs: number;
  /** A file that somebody still reads goes after this long all the same: the reader keeps its descriptor, and with it the bytes. */
  readonly forciblyAfterMs: number;
}

/** Removes files to which no offset leads any more, one at a time, off the event loop, and not under a reader. */
export class FileRemover {
  private stopped = false;

  constructor(
    private readonly options: FileRemoverOptions,
    private readonly fileSystem: FileSystem,
    private readonly handles: HandlePool,
    private readonly clock: Clock,
  ) {}

  /** No wait goes on, and nothing more is removed. */
  stop(): void {
    this.stopped = true;
  }

  /** @returns false when it was stopped before. Rejects with what the file system says. */
  async remove(path: string): Promise<boolean> {
    const untilMs = this.clock.monotonicMs() + this.options.forciblyAfterMs;
    while (this.handles.isBusy(path) && this.clock.monotonicMs() < untilMs) {
      if (this.stopped) return false;
      await this.clock.sleep(this.options.busyCheckMs);
    }
    if (this.stopped) return false;
    this.handles.forget(path);
    await this.done((callback) => {
      this.fileSystem.removeFile(path, callback);
    });
    return true;
  }

  /** Makes removals durable: after a power loss a later one must not be seen without an earlier one, which would leave a gap in a row of files. */
  syncFolder(folder: string): Promise<void> {
    return this.done((callback) => {
      this.fileSystem.syncFolder(folder, callback);
    });
  }

  private done(start: (callback: (error: Error | undefined) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      start((error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }
}
