import { MetadataError } from './metadata-error.js';

interface PendingReset {
  queueOffset: number;
  /** Connections whose pull was answered with it. */
  told: WeakSet<object>;
}

interface TopicResets {
  readonly group: string;
  readonly topic: string;
  /** By queue id. */
  readonly resets: Map<number, PendingReset>;
}

/**
 * Resets that the owner of a queue may not know of: pulls are answered with the new offset instead of messages, once for each connection, and meanwhile
 * what members commit does not count. A reset is done when somebody who was told pulls again, or commits that very offset: a pull that an earlier owner of
 * the queue left parked is answered too, but nobody hears it.
 *
 * In memory only: after a restart of the broker every member takes its queues anew, at the stored offset.
 *
 * Follows the `resetOffsetTable` of `broker/offset/ConsumerOffsetManager.java`, where the first pull, whoever sent it, ends a reset.
 */
export class PendingResets {
  private readonly groups = new Map<string, TopicResets>();
  private count = 0;

  constructor(private readonly max: number) {}

  /** Queues with a pending reset: 0 nearly always, which the hot path asks first. */
  get size(): number {
    return this.count;
  }

  /** @throws MetadataError METADATA_LIMIT. */
  assign(group: string, topic: string, queueId: number, queueOffset: number): void {
    const key = keyOf(group, topic);
    let entry = this.groups.get(key);
    if (entry?.resets.has(queueId) !== true) {
      if (this.count >= this.max) {
        const message = `${this.count} offset resets wait for their consumers, which is the limit. Delete groups that are not used.`;
        throw new MetadataError('METADATA_LIMIT', message, { limit: this.max });
      }
      this.count++;
    }
    if (entry === undefined) this.groups.set(key, (entry = { group, topic, resets: new Map() }));
    entry.resets.set(queueId, { queueOffset, told: new WeakSet() });
  }

  has(group: string, topic: string, queueId: number): boolean {
    return this.find(group, topic, queueId) !== undefined;
  }

  /** The offset that waits to be told; undefined when there is none. */
  find(group: string, topic: string, queueId: number): number | undefined {
    return this.count === 0 ? undefined : this.groups.get(keyOf(group, topic))?.resets.get(queueId)?.queueOffset;
  }

  /** For the answer to a pull: the offset when this connection was not told yet. One that was told has done it, and the reset is over. */
  tell(group: string, topic: string, queueId: number, connection: object): number | undefined {
    if (this.count === 0) return undefined;
    const reset = this.groups.get(keyOf(group, topic))?.resets.get(queueId);
    if (reset === undefined) return undefined;
    if (reset.told.has(connection)) {
      this.take(group, topic, queueId);
      return undefined;
    }
    reset.told.add(connection);
    return reset.queueOffset;
  }

  /** Ends a reset. @returns its offset; undefined when there is none. */
  take(group: string, topic: string, queueId: number): number | undefined {
    if (this.count === 0) return undefined;
    const key = keyOf(group, topic);
    const resets = this.groups.get(key)?.resets;
    const reset = resets?.get(queueId);
    if (resets === undefined || reset === undefined) return undefined;
    resets.delete(queueId);
    this.count--;
    if (resets.size === 0) this.groups.delete(key);
    return reset.queueOffset;
  }

  forget(test: (group: string, topic: string) => boolean): void {
    for (const [key, { group, topic, resets }] of this.groups) {
      if (!test(group, topic)) continue;
      this.groups.delete(key);
      this.count -= resets.size;
    }
  }
}

/** No group name has an `@`. */
function keyOf(group: string, topic: string): string {
  return `${group}@${topic}`;
}
