import type { MessageQueue } from '@rocknest/protocol';
import { invalidArgument } from '../../support/check.js';
import type { AllocateMessageQueueStrategy } from './allocate-strategy.js';

/**
 * The queues that were written down for this member, whoever else is there (`AllocateMessageQueueByConfig.java`). Those that a topic does not
 * have are left out (the Java client asks brokers for them for ever); what no member's list names is consumed by nobody.
 */
export class AllocateMessageQueueByConfig implements AllocateMessageQueueStrategy {
  readonly name = 'CONFIG';
  private readonly keys: ReadonlySet<string>;

  /** @throws MQClientError INVALID_ARGUMENT for a list without queues, or an element that is none. */
  constructor(queues: readonly MessageQueue[]) {
    if (queues.length === 0) throw invalidArgument('allocation by config needs at least one queue');
    for (const { topic, brokerName, queueId } of queues) {
      if (!topic || !brokerName || !Number.isInteger(queueId) || queueId < 0) {
        throw invalidArgument(`allocation by config: ${JSON.stringify({ topic, brokerName, queueId })} is no queue`);
      }
    }
    this.keys = new Set(queues.map(keyOf));
  }

  allocate(_group: string, _currentClientId: string, queues: readonly MessageQueue[]): MessageQueue[] {
    return queues.filter((queue) => this.keys.has(keyOf(queue)));
  }
}

function keyOf({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic} ${brokerName} ${queueId}`;
}
