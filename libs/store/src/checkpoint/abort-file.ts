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

  create(): void {
    const file = this.fileSystem.open(this.path, { create: true });
    try {
      const content = Buffer.from(`${this.machine.pid}\n${this.machine.bootId()}\n`);
      file.truncate(0);
      writeFullySync(file, content, 0, content.length, 0);
    } finally {
      file.close();
    }
  }

  remove(): void {
    this.fileSystem.remove(this.path);
  }
}
