import { SimRandom } from './sim-random.js';

/** Something that is to happen at a moment of virtual time. */
export interface SimTask {
  cancelled: boolean;
}

interface QueuedTask extends SimTask {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/**
 * Virtual time, the events that are to come, and the one source of randomness: everything that happens in a simulation is decided
 * here, so that a seed replays exactly. Hosts with disks of their own (`SimHost`) live in a world; several can share one.
 */
export class SimWorld {
  random: SimRandom;
  /** Events handled so far: together with the time it tells whether two runs were the same. */
  events = 0;
  /** What went wrong behind the back of whoever called the store. */
  readonly strayErrors: unknown[] = [];
  /** Told of each call on a file system, for a detailed trace. */
  onOperation: ((operation: string, path: string) => void) | undefined = undefined;
  private now = 0;
  private sequence = 0;
  private readonly heap: QueuedTask[] = [];

  constructor(seed: number) {
    this.random = new SimRandom(seed);
  }

  /** Virtual ms since the world began, with fractions. */
  get nowMs(): number {
    return this.now;
  }

  /** Time passes while a synchronous call runs; what should have happened meanwhile happens late. */
  advance(ms: number): void {
    this.now += ms;
  }

  schedule(delayMs: number, run: () => void): SimTask {
    const task: QueuedTask = { atMs: this.now + delayMs, sequence: this.sequence++, run, cancelled: false };
    this.push(task);
    return task;
  }

  /** Runs events until the condition holds. @returns false when it did not within the time, or nothing was left that could make it hold. */
  async runUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
    const deadline = this.now + limitMs;
    await settle();
    while (!condition()) {
      const next = this.peek();
      if (next === undefined || next.atMs > deadline) return false;
      await this.step();
    }
    return true;
  }

  /** Runs what happens within the next `ms`, or until the condition holds. */
  async runFor(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const deadline = this.now + ms;
    await settle();
    for (let next = this.peek(); next !== undefined && next.atMs <= deadline && !isOver(); next = this.peek()) {
      await this.step();
    }
    this.now = Math.max(this.now, deadline);
  }

  private async step(): Promise<void> {
    const task = this.pop();
    if (task === undefined) return;
    this.now = Math.max(this.now, task.atMs);
    this.events++;
    try {
      task.run();
    } catch (error) {
      this.strayErrors.push(error);
    }
    await settle();
  }

  /** The next task that was not cancelled, left in place. */
  private peek(): QueuedTask | undefined {
    while (this.heap.length > 0 && this.heap[0].cancelled) this.pop();
    return this.heap.length === 0 ? undefined : this.heap[0];
  }

  private push(task: QueuedTask): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(task);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(task, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = task;
  }

  private pop(): QueuedTask | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: QueuedTask, b: QueuedTask): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

/** Lets every promise that can go on do so: Node drains all of them before it runs an immediate. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
