import { MetadataError } from './metadata-error.js';

interface TopicResets {
  readonly group: string;
  readonly topic: string;
  /** queue id -> offset to go on at */
  readonly offsets: Map<number, number>;
}

/**
 * Resets that no member of the group has been told of: the next pull of such a queue is answered with the new offset instead of messages, and until
 * then what members commit does not count. In memory only: after a restart of the broker every member takes its queues anew, at the stored offset.
 *
 * Follows the `resetOffsetTable` of `broker/offset/ConsumerOffsetManager.java`.
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
    if (entry?.offsets.has(queueId) !== true) {
      if (this.count >= this.max) {
        const message = `${this.count} offset resets wait for their consumers, which is the limit. Delete groups that are not used.`;
        throw new MetadataError('METADATA_LIMIT', message, { limit: this.max });
      }
      this.count++;
    }
    if (entry === undefined) this.groups.set(key, (entry = { group, topic, offsets: new Map() }));
    entry.offsets.set(queueId, queueOffset);
  }

  has(group: string, topic: string, queueId: number): boolean {
    return this.count > 0 && this.groups.get(keyOf(group, topic))?.offsets.has(queueId) === true;
  }

  /** The offset to tell a member of, once; undefined when there is none. */
  take(group: string, topic: string, queueId: number): number | undefined {
    if (this.count === 0) return undefined;
    const key = keyOf(group, topic);
    const offsets = this.groups.get(key)?.offsets;
    const offset = offsets?.get(queueId);
    if (offsets === undefined || offset === undefined) return undefined;
    offsets.delete(queueId);
    this.count--;
    if (offsets.size === 0) this.groups.delete(key);
    return offset;
  }

  forget(test: (group: string, topic: string) => boolean): void {
    for (const [key, { group, topic, offsets }] of this.groups) {
      if (!test(group, topic)) continue;
      this.groups.delete(key);
      this.count -= offsets.size;
    }
  }
}

/** No group name has an `@`. */
function keyOf(group: string, topic: string): string {
  return `${group}@${topic}`;
}
