import { Fifo } from '../../support/fifo.js';
import { settledWithin } from '../../support/concurrency.js';
import type { HeldMessage, ProcessQueue } from '../process-queue.js';

/** Messages of one queue that were handed out together. */
export interface HandedOut {
  readonly processQueue: ProcessQueue;
  readonly entries: readonly HeldMessage[];
}

/**
 * The pulled messages that wait to be asked for. Queues take turns, so that one with a backlog delays no other. What an iterator gave back
 * comes first.
 */
export class MessageBuffer {
  private readonly ring = new Fifo<ProcessQueue>();
  private readonly inRing = new Set<ProcessQueue>();
  private readonly returned = new Fifo<HandedOut>();
  private readonly waiters = new Set<() => void>();
  /** What iterators hold now. */
  private readonly held = new Set<HandedOut>();
  private onIdle: (() => void)[] = [];
  private isClosed = false;

  get closed(): boolean {
    return this.isClosed;
  }

  /** Messages that iterators have handed on and were not asked to go past. */
  get heldCount(): number {
    return this.held.size;
  }

  /** Messages were put into this queue. */
  offer(processQueue: ProcessQueue): void {
    if (!this.inRing.has(processQueue) && processQueue.waitingCount > 0) {
      this.inRing.add(processQueue);
      this.ring.push(processQueue);
    }
    this.wakeAll();
  }

  /** Up to `max` messages of one queue, or undefined when nothing waits. */
  take(max: number): HandedOut | undefined {
    if (this.isClosed) return undefined;
    for (let handed = this.returned.shift(); handed; handed = this.returned.shift()) {
      const left = stillHeld(handed);
      if (left) return left;
    }
    for (let processQueue = this.ring.shift(); processQueue; processQueue = this.ring.shift()) {
      const entries = processQueue.dropped ? [] : processQueue.take(max);
      if (!processQueue.dropped && processQueue.waitingCount > 0) this.ring.push(processQueue);
      else this.inRing.delete(processQueue);
      if (entries.length === 0) continue;
      processQueue.lastConsumeMs = Date.now();
      return { processQueue, entries };
    }
    return undefined;
  }

  /** An iterator works on these until `release`. */
  hold(handed: HandedOut): void {
    this.held.add(handed);
  }

  release(handed: HandedOut): void {
    this.held.delete(handed);
    if (this.held.size > 0) return;
    const listeners = this.onIdle;
    this.onIdle = [];
    for (const listener of listeners) listener();
  }

  /** Hands out again what was not consumed, before everything else. */
  giveBack(handed: HandedOut): void {
    const left = stillHeld(handed);
    if (!left) return;
    this.returned.push(left);
    this.wakeAll();
  }

  /** Resolves when there may be a message, when `timeoutMs` have passed (Infinity: never), when `signal` aborts, or when the buffer is closed. */
  wait(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.isClosed || signal?.aborted || timeoutMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.waiters.delete(end);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = timeoutMs === Infinity ? undefined : setTimeout(end, timeoutMs);
      this.waiters.add(end);
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  /** Nothing is handed out any more. */
  close(): void {
    this.isClosed = true;
    this.wakeAll();
  }

  /** Resolves with true when iterators hold nothing any more, with false when `timeoutMs` have passed before. */
  async idle(timeoutMs: number): Promise<boolean> {
    if (this.held.size === 0) return true;
    return settledWithin(new Promise<void>((resolve) => this.onIdle.push(resolve)), timeoutMs);
  }

  private wakeAll(): void {
    for (const wake of [...this.waiters]) wake();
  }
}

/** Without what was committed, sought past or given up meanwhile. */
function stillHeld({ processQueue, entries }: HandedOut): HandedOut | undefined {
  if (processQueue.dropped) return undefined;
  const held = new Set(processQueue.handedOut());
  const left = entries.filter((entry) => held.has(entry));
  return left.length > 0 ? { processQueue, entries: left } : undefined;
}
