import { BoundedMap } from './bounded-memory.js';
import { MAX_REMEMBERED_HALVES } from './defaults.js';
import type { HalfMarks } from './half-marks.js';
import type { OpBatch } from './op-batch.js';

/**
 * What is known of one half queue in memory: which half messages are just being ended or moved, and the newest ends and moves. All that
 * must survive is in the op queue; this keeps an end that comes twice, or after its half message was moved, from delivering twice.
 */
export class HalfQueue {
  private readonly ended = new BoundedMap<number, true>(MAX_REMEMBERED_HALVES);
  /** Half messages that were put to the end of the queue again: old offset -> new one. */
  private readonly moved = new BoundedMap<number, number>(MAX_REMEMBERED_HALVES);
  private readonly ending = new Set<number>();
  private readonly moving = new Map<number, Promise<void>>();
  /** The range that a check looks at now: it learns of ends at once. */
  private watched: HalfMarks | undefined = undefined;

  constructor(readonly ops: OpBatch) {}

  watch(marks: HalfMarks | undefined): void {
    this.watched = marks;
  }

  /** Where the half message stands now that was stored at this offset. */
  async current(queueOffset: number): Promise<number> {
    for (let offset = queueOffset; ;) {
      const moving = this.moving.get(offset);
      if (moving !== undefined) await moving;
      const next = this.moved.get(offset);
      if (next === undefined) return offset;
      offset = next;
    }
  }

  /** Begins to end a half message. @returns false when that is under way or done. */
  begin(queueOffset: number): boolean {
    if (this.ended.has(queueOffset) || this.ending.has(queueOffset)) return false;
    this.ending.add(queueOffset);
    return true;
  }

  /** It could not be ended. */
  giveUp(queueOffset: number): void {
    this.ending.delete(queueOffset);
  }

  /** It is ended: its mark goes into the op queue. */
  finish(queueOffset: number): void {
    this.ending.delete(queueOffset);
    this.ended.set(queueOffset, true);
    this.watched?.add(queueOffset);
    this.ops.add(queueOffset);
  }

  isEnding(queueOffset: number): boolean {
    return this.ending.has(queueOffset);
  }

  /**
   * Moves a half message: ends of it wait for the move.
   *
   * @param put stores the copy and gives its queue offset, or undefined when it could not.
   */
  async move(queueOffset: number, put: () => Promise<number | undefined>): Promise<void> {
    const moving = put().then((to) => {
      if (to === undefined) return;
      this.moved.set(queueOffset, to);
      this.watched?.add(queueOffset);
      this.ops.add(queueOffset);
    });
    this.moving.set(queueOffset, moving);
    try {
      await moving;
    } finally {
      this.moving.delete(queueOffset);
    }
  }
}
