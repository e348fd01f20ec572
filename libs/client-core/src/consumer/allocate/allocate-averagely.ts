import type { MessageQueue } from '@rocknest/protocol';
import type { AllocateMessageQueueStrategy } from './allocate-strategy.js';

/** Contiguous shares; the first members get one queue more when it does not come out even (`AllocateMessageQueueAveragely.java`). */
export class AllocateMessageQueueAveragely implements AllocateMessageQueueStrategy {
  readonly name = 'AVG';

  allocate(
    _group: string,
    currentClientId: string,
    queues: readonly MessageQueue[],
    clientIds: readonly string[],
  ): MessageQueue[] {
    const index = clientIds.indexOf(currentClientId);
    if (index < 0) return [];
    const share = Math.floor(queues.length / clientIds.length);
    const rest = queues.length % clientIds.length;
    const start = index * share + Math.min(index, rest);
    return queues.slice(start, start + share + (index < rest ? 1 : 0));
  }
}
