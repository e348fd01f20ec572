import type { MessageQueue } from '@rocknest/protocol';

/** A whole topic, or one queue of it. */
export interface QueueSelector {
  readonly topic: string;
  /** With `queueId`: one queue. */
  readonly brokerName?: string | undefined;
  readonly queueId?: number | undefined;
}

function matches(selector: QueueSelector, queue: QueueSelector): boolean {
  return (
    selector.topic === queue.topic &&
    (selector.brokerName === undefined || selector.brokerName === queue.brokerName) &&
    (selector.queueId === undefined || selector.queueId === queue.queueId)
  );
}

/** Which queues rest because a program said so. Also those count that come to this member later. */
export class PausedQueues {
  private selectors: QueueSelector[] = [];

  get all(): readonly QueueSelector[] {
    return this.selectors;
  }

  pause(selector: QueueSelector): void {
    if (this.selectors.some((known) => matches(known, selector))) return;
    const { topic, brokerName, queueId } = selector;
    this.selectors = [...this.selectors.filter((known) => !matches(selector, known)), { topic, brokerName, queueId }];
  }

  /** Ends the pauses within `selector`. A queue of a topic that rests as a whole goes on with that topic only. */
  resume(selector: QueueSelector): void {
    this.selectors = this.selectors.filter((known) => !matches(selector, known));
  }

  covers(queue: MessageQueue): boolean {
    return this.selectors.some((selector) => matches(selector, queue));
  }
}
