import { dirname } from 'node:path';
import { syncData, syncFolder } from '../io/durable.js';
import { isDiskFull, type FileSystem } from '../io/file-system.js';
import type { Machine } from '../io/machine.js';
import { readSmallFile, writeFullySync } from '../io/transfer.js';

const LIMIT_BYTES = 4096;
const FLUSH_FAILED = 'fdatasync failed';

/** How the last run ended that did not end properly. */
export interface LastStop {
  /** The kernel was started again since: what was not flushed may be lost, in any part. */
  readonly machineRestarted: boolean;
  /** An fdatasync failed, and the kernel still is the same: it may show what the disk does not have. */
  readonly flushFailed: boolean;
  /** The file is ours, and no RocketMQ's. */
  readonly wasOurs: boolean;
}

/**
 * `abort` is there while the store is open: found at the start, it says that the last run did not end properly (RocketMQ looks at
 * nothing but its presence). Ours also names the run of the kernel, which tells a killed process from a machine that went down.
 */
export class AbortFile {
  constructor(
    private readonly path: string,
    private readonly fileSystem: FileSystem,
    private readonly machine: Machine,
  ) {}

  /** What the last run left behind, or undefined after a clean stop. */
  find(): LastStop | undefined {
    const content = readSmallFile(this.fileSystem, this.path, LIMIT_BYTES);
    if (content === undefined) return undefined;
    const [, bootId = '', failure = ''] = content.toString().split('\n');
    const current = this.machine.bootId();
    const machineRestarted = bootId !== '' && current !== '' && bootId !== current;
    return { machineRestarted, flushFailed: failure === `${FLUSH_FAILED} ${current}`, wasOurs: bootId !== '' };
  }

  /**
   * Made before the first message is taken, and durable: a power loss that took it away would make the run look like one that ended properly.
   * An older one is replaced in one go, so that there is a whole one at any time. Needs no space that the last run did not have: on a full
   * disk too a broker has to start, for its consumers.
   */
  async create(): Promise<void> {
    try {
      const file = this.fileSystem.open(this.sparePath, { create: true });
      try {
        const content = Buffer.from(`${this.machine.pid}\n${this.machine.bootId()}\n`);
        writeFullySync(file, content, 0, content.length, 0);
        file.truncate(content.length);
        await syncData(file);
      } finally {
        file.close();
      }
    } catch (error) {
      // The one of a run that was killed says no less than a new one would: the next start looks closer rather than less close.
      if (isDiskFull(error) && this.find() !== undefined) return;
      throw error;
    }
    this.fileSystem.rename(this.sparePath, this.path);
    await syncFolder(this.fileSystem, dirname(this.path));
  }

  /**
   * An fdatasync failed: whoever opens the store next must not believe what the kernel shows of it. It need not be durable: a machine that
   * goes down takes the kernel's view with it.
   *
   * @returns false when the disk refuses this, too.
   */
  noteFailedFlush(): boolean {
    try {
      const file = this.fileSystem.open(this.path, { create: true });
      try {
        // What the last run left must stay readable: recovery may be at work for a machine that went down.
        const known = readSmallFile(this.fileSystem, this.path, LIMIT_BYTES)?.toString() ?? '';
        const bootId = this.machine.bootId();
        const [pid, lastBootId = ''] = known === '' ? [String(this.machine.pid), bootId] : known.split('\n');
        const content = Buffer.from(`${pid}\n${lastBootId}\n${FLUSH_FAILED} ${bootId}\n`);
        writeFullySync(file, content, 0, content.length, 0);
      } finally {
        file.close();
      }
      return true;
    } catch {
      return false;
    }
  }

  /** The run ended properly. Its file stays under another name: the next start has the space for its own, then. */
  remove(): void {
    if (this.find() !== undefined) this.fileSystem.rename(this.path, this.sparePath);
  }

  private get sparePath(): string {
    return `${this.path}.tmp`;
  }
}
