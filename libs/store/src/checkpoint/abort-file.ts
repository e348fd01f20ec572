import { dirname } from 'node:path';
import { syncData, syncFolder } from '../io/durable.js';
import type { FileSystem } from '../io/file-system.js';
import type { Machine } from '../io/machine.js';
import { readSmallFile, writeFullySync } from '../io/transfer.js';

const LIMIT_BYTES = 4096;

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
  find(): { machineRestarted: boolean } | undefined {
    const content = readSmallFile(this.fileSystem, this.path, LIMIT_BYTES);
    if (content === undefined) return undefined;
    const [, bootId = ''] = content.toString().split('\n');
    const current = this.machine.bootId();
    return { machineRestarted: bootId !== '' && current !== '' && bootId !== current };
  }

  /**
   * Made before the first message is taken, and durable: a power loss that took it away would make the run look like one that ended properly.
   * An older one is replaced in one go, so that there is a whole one at any time.
   */
  async create(): Promise<void> {
    const temporary = `${this.path}.tmp`;
    const file = this.fileSystem.open(temporary, { create: true });
    try {
      const content = Buffer.from(`${this.machine.pid}\n${this.machine.bootId()}\n`);
      file.truncate(0);
      writeFullySync(file, content, 0, content.length, 0);
      await syncData(file);
    } finally {
      file.close();
    }
    this.fileSystem.rename(temporary, this.path);
    await syncFolder(this.fileSystem, dirname(this.path));
  }

  remove(): void {
    this.fileSystem.remove(this.path);
  }
}
