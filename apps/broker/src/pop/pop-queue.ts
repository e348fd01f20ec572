/** One pop's part of a queue, or a stretch that a filter skipped: the committed offset does not pass it before it is safe. */
export interface PopStretch {
  /** The offset behind it. */
  readonly nextOffset: number;
  /**
   * A crash loses nothing of it any more: everything is acknowledged, or stands in the log (as a check point, or in a retry topic) up to
   * `physicalOffset` and the log is flushed so far.
   */
  safe: boolean;
  /** Where the record ends that makes it safe, until the log is flushed so far. */
  physicalOffset: number | undefined;
}

/**
 * How far a group popped a queue. Pops go on from `nextOffset`, in memory; the group's committed offset follows as far as a crash would lose nothing,
 * so that what was popped and is nowhere else is popped again after a crash.
 */
export class PopQueue {
  /** A read from the disk is under way; whoever comes meanwhile leaves this queue out. */
  locked = false;
  /** Messages popped and not acknowledged. */
  inflight = 0;
  /** Check points that name this queue. */
  checkPoints = 0;
  private progress = -1;
  private committed = -1;
  private stretches: PopStretch[] = [];
  private first = 0;

  /** @param ref number of this queue in the check points. */
  constructor(
    readonly ref: number,
    readonly topic: string,
    readonly group: string,
    readonly queueId: number,
  ) {}

  /** Nothing popped is waiting to be safe. */
  get isSettled(): boolean {
    return this.first === this.stretches.length;
  }

  /**
   * Next offset to pop. @param committed what is committed, -1 for nothing; it counts alone once nothing popped waits to be safe, and when somebody
   * else set it back.
   */
  nextOffset(committed: number): number {
    this.observe(committed);
    return this.isSettled ? committed : Math.max(committed, this.progress);
  }

  /** Notes that everything before `nextOffset` was popped or skipped. */
  popped(nextOffset: number, safe: boolean): PopStretch {
    const stretch = { nextOffset, safe, physicalOffset: undefined };
    this.stretches.push(stretch);
    this.progress = nextOffset;
    return stretch;
  }

  /** What may be committed now, and is forgotten here; undefined when nothing new became safe. @param flushedTo how far the log is flushed. */
  takeSafe(flushedTo: number): number | undefined {
    let safeTo: number | undefined;
    for (; this.first < this.stretches.length; this.first++) {
      const stretch = this.stretches[this.first];
      const isSafe = stretch.safe || (stretch.physicalOffset !== undefined && stretch.physicalOffset <= flushedTo);
      if (!isSafe) break;
      safeTo = stretch.nextOffset;
    }
    if (this.isSettled) {
      this.stretches = [];
      this.first = 0;
    } else if (this.first > 64 && this.first * 2 > this.stretches.length) {
      this.stretches = this.stretches.slice(this.first);
      this.first = 0;
    }
    return safeTo;
  }

  /** Notes the group's committed offset. One that went back was reset by an administrator: what was popped before does not move it any more. */
  observe(committed: number): void {
    if (committed < this.committed) {
      this.stretches = [];
      this.first = 0;
    }
    this.committed = committed;
  }
}
