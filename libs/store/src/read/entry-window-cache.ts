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
