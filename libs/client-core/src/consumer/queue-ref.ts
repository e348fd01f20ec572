import { messageQueueKey, type MessageQueue } from '@rocknest/protocol';

/** A queue with the text that tables are keyed by, made once: the offset table is written once for each message. */
export class ConsumeQueueRef implements MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly key: string;

  constructor(queue: MessageQueue) {
    this.topic = queue.topic;
    this.brokerName = queue.brokerName;
    this.queueId = queue.queueId;
    this.key = messageQueueKey(queue);
  }

  static of(queue: MessageQueue): ConsumeQueueRef {
    return queue instanceof ConsumeQueueRef ? queue : new ConsumeQueueRef(queue);
  }
}
