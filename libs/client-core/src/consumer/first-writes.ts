import type { MessageQueue } from '@rocknest/protocol';

/**
 * Lets the first offset of a topic reach each broker before any other of that topic. Apache RocketMQ's broker makes the table of a group and topic
 * without a lock when the first offset comes (`commitOffset` of `broker/offset/ConsumerOffsetManager.java`, 5.4.0): of first offsets that
 * arrive side by side, for several queues, all but one may be lost although each was answered with success.
 */
export class FirstWrites {
  private readonly known = new Map<string, 'done' | Promise<unknown>>();

  isDone(queue: MessageQueue): boolean {
    return this.known.get(keyOf(queue)) === 'done';
  }

  isUnderWay(queue: MessageQueue): boolean {
    return this.known.get(keyOf(queue)) instanceof Promise;
  }

  /** The broker is known to have an offset of this topic. */
  done({ topic, brokerName }: MessageQueue): void {
    this.known.set(keyOf({ topic, brokerName }), 'done');
  }

  /** Runs `write` when no first write of the topic to this broker is under way. Rejects as `write` does; the next one is the first, then. */
  async alone<T>(queue: MessageQueue, write: () => Promise<T>): Promise<T> {
    const key = keyOf(queue);
    let state = this.known.get(key);
    while (state instanceof Promise) {
      await state.catch(() => undefined);
      state = this.known.get(key);
    }
    if (state === 'done') return write();
    const first = write();
    this.known.set(key, first);
    try {
      const written = await first;
      this.known.set(key, 'done');
      return written;
    } catch (error) {
      this.known.delete(key);
      throw error;
    }
  }
}

function keyOf({ topic, brokerName }: Pick<MessageQueue, 'topic' | 'brokerName'>): string {
  return `${topic} ${brokerName}`;
}
