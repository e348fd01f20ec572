import type { MessageQueue } from '@rocknest/protocol';
import type { AllocateMessageQueueStrategy } from './allocate-strategy.js';

/** Queue by queue in turn, so that each member gets queues of each broker (`AllocateMessageQueueAveragelyByCircle.java`). */
export class AllocateMessageQueueAveragelyByCircle implements AllocateMessageQueueStrategy {
  readonly name = 'AVG_BY_CIRCLE';

  allocate(
    _group: string,
    currentClientId: string,
    queues: readonly MessageQueue[],
    clientIds: readonly string[],
  ): MessageQueue[] {
    const index = clientIds.indexOf(currentClientId);
    return index < 0 ? [] : queues.filter((_, position) => position % clientIds.length === index);
  }
}
