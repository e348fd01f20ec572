import type { MessageExt } from '@rocknest/protocol';
import type { HandedOut, MessageBuffer } from './message-buffer.js';

export interface IteratorParts<T> {
  buffer: MessageBuffer;
  /** Messages for one step. */
  max: number;
  /** The step's value. */
  valueOf(messages: MessageExt[]): T;
  /** These are consumed. */
  settle(handed: HandedOut): void;
  signal: AbortSignal | undefined;
}

/**
 * Messages for `for await`: nothing is taken before it is asked for, and what was handed on counts as consumed when the next is asked for. A loop
 * that is left early (`break`, a throw) did not consume its last step, which the next loop gets first. Ends when the consumer is shut down or the
 * signal aborts.
 */
export class MessageIterator<T> implements AsyncIterableIterator<T, undefined> {
  private current: HandedOut | undefined = undefined;
  private ended = false;

  constructor(private readonly parts: IteratorParts<T>) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const { buffer, max, signal, valueOf, settle } = this.parts;
    const before = this.current;
    this.current = undefined;
    if (before) {
      settle(before);
      buffer.release(before);
    }
    while (!this.ended && !buffer.closed && !signal?.aborted) {
      const handed = buffer.take(max);
      if (handed) {
        this.current = handed;
        buffer.hold(handed);
        return { done: false, value: valueOf(handed.entries.map(({ message }) => message)) };
      }
      await buffer.wait(Infinity, signal);
    }
    this.ended = true;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.ended = true;
    const left = this.current;
    this.current = undefined;
    if (left) {
      this.parts.buffer.giveBack(left);
      this.parts.buffer.release(left);
    }
    return Promise.resolve({ done: true, value: undefined });
  }
}
