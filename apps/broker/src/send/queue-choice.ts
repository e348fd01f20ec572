import { ResponseCode, type TopicConfig } from '@rocknest/protocol';
import { RequestRefusedError } from '../errors.js';

/**
 * The queue of a message: the one asked for, or any when a negative one was asked for.
 *
 * @throws RequestRefusedError INVALID_PARAMETER when any will do but the topic has no queue to write to.
 */
export function chooseQueueId(queueId: number, topic: TopicConfig): number {
  if (queueId >= 0) return queueId;
  if (topic.writeQueueNums > 0) return Math.floor(Math.random() * topic.writeQueueNums);
  throw new RequestRefusedError(
    ResponseCode.INVALID_PARAMETER,
    `topic[${topic.topicName}] has no write queues: raise writeQueueNums`,
  );
}
