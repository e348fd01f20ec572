import type {
  ConsumeStats,
  MessageQueue,
  OffsetWrapper,
  QueueEntry,
  TopicConfig,
  TopicStatsTable,
} from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';

/** The store time of the message before `queueOffset`; 0 when there is none. */
async function storeTimestampBefore(store: MessageStore, queue: MessageQueue, queueOffset: number): Promise<number> {
  if (queueOffset <= store.minOffset(queue.topic, queue.queueId)) return 0;
  return Math.max(0, await store.storeTimestampOf(queue.topic, queue.queueId, queueOffset - 1));
}

/** Bounds of each queue of a topic and when its newest message was stored. Source: `AdminBrokerProcessor.getTopicStatsInfo`. */
export async function topicStats(
  store: MessageStore,
  brokerName: string,
  config: TopicConfig,
): Promise<TopicStatsTable> {
  const queueCount = Math.max(config.writeQueueNums, config.readQueueNums);
  const offsetTable: TopicStatsTable['offsetTable'] = [];
  for (let queueId = 0; queueId < queueCount; queueId++) {
    const queue = { topic: config.topicName, brokerName, queueId };
    const minOffset = store.minOffset(queue.topic, queueId);
    const maxOffset = store.maxOffset(queue.topic, queueId);
    const lastUpdateTimestamp = await storeTimestampBefore(store, queue, maxOffset);
    offsetTable.push({ queue, value: { minOffset, maxOffset, lastUpdateTimestamp } });
  }
  return { topicPutTps: 0, offsetTable };
}

/** How far a group is in the queues of one topic. Source: `AdminBrokerProcessor.getConsumeStats`. */
export async function topicConsumeStats(
  store: MessageStore,
  brokerName: string,
  config: TopicConfig,
  committedOffset: (queueId: number) => number,
): Promise<ConsumeStats['offsetTable']> {
  const table: QueueEntry<OffsetWrapper>[] = [];
  for (let queueId = 0; queueId < config.readQueueNums; queueId++) {
    const queue = { topic: config.topicName, brokerName, queueId };
    const brokerOffset = store.maxOffset(queue.topic, queueId);
    const consumerOffset = Math.max(0, committedOffset(queueId));
    const lastTimestamp = await storeTimestampBefore(store, queue, consumerOffset);
    table.push({ queue, value: { brokerOffset, consumerOffset, pullOffset: consumerOffset, lastTimestamp } });
  }
  return table;
}
