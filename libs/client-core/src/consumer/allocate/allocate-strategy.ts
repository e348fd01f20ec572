import type { MessageQueue } from '@rocknest/protocol';

/**
 * Decides which queues of a topic one member of a group gets (RocketMQ: `client/consumer/AllocateMessageQueueStrategy.java`).
 * Every member computes it by itself from the same sorted lists, so the result must depend on the arguments alone.
 */
export interface AllocateMessageQueueStrategy {
  /** `AVG`, ...: stands in logs, and all members of a group must use the same. */
  readonly name: string;
  /**
   * @param clientIds of all members, sorted; contains `currentClientId`.
   * @param queues of the topic, sorted by topic, broker name, queue id.
   */
  allocate(
    group: string,
    currentClientId: string,
    queues: readonly MessageQueue[],
    clientIds: readonly string[],
  ): MessageQueue[];
}
