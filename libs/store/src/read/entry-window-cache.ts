import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { EntryWindow } from '../consume-queue/queue-entry.js';

/**
 * The entries that were read last from the file of each queue, for the next pulls of a consumer that catches up; the queue read longest ago goes first. Entries in files don't
 * change, and a queue that was deleted and made anew is another object.
 */
export class EntryWindowCache {
  private readonly windows = new Map<ConsumeQueue, EntryWindow>();

  constructor(private readonly maxWindows: number) {}

  /** The window that holds the entry, or undefined. */
  find(queue: ConsumeQueue, queueOffset: number): EntryWindow | undefined {
    const window = this.windows.get(queue);
    if (window === undefined || queueOffset < window.fromOffset || queueOffset >= window.toOffset) return undefined;
    return window;
  }

  /**
   * The memory of the window that is kept of the queue, which is forgotten: for the window that follows. A window is looked at within one call, so nobody else
   * has it.
   */
  takeMemory(queue: ConsumeQueue): Buffer | undefined {
    const window = this.windows.get(queue);
    if (window === undefined) return undefined;
    this.windows.delete(queue);
    const { buffer, byteOffset, byteLength } = window.view;
    return Buffer.from(buffer, byteOffset, byteLength);
  }

  keep(queue: ConsumeQueue, window: EntryWindow): void {
    this.windows.delete(queue);
    this.windows.set(queue, window);
    if (this.windows.size <= this.maxWindows) return;
    for (const oldest of this.windows.keys()) {
      this.windows.delete(oldest);
      return;
    }
  }
}
