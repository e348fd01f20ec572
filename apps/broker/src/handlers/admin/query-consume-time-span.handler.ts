import { Controller } from '@nestjs/common';
import {
  decodeQueryConsumeTimeSpanRequest,
  encodeConsumeTimeSpans,
  type QueueTimeSpan,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';
import { systemClock } from '../../clock.js';
import { RequestRefusedError } from '../../errors.js';
import { ConsumerOffsetManager, TopicConfigManager } from '../../metadata/index.js';
import { BrokerFacts } from '../../stats/broker-facts.js';

/**
 * QUERY_CONSUME_TIME_SPAN (303): the times of the messages of each queue, and up to when a group has consumed them.
 *
 * Follows `queryConsumeTimeSpan` of `broker/processor/AdminBrokerProcessor.java`.
 */
@Controller()
export class QueryConsumeTimeSpanHandler {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly offsets: ConsumerOffsetManager,
    private readonly facts: BrokerFacts,
  ) {}

  @RequestHandler(RequestCode.QUERY_CONSUME_TIME_SPAN)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { topic, group } = decodeQueryConsumeTimeSpanRequest(request);
    const config = this.topics.get(topic);
    if (config === undefined) throw new RequestRefusedError(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
    const consumeTimeSpanSet: QueueTimeSpan[] = [];
    for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
      consumeTimeSpanSet.push(await this.spanOf(group, topic, queueId));
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeConsumeTimeSpans({ consumeTimeSpanSet }) });
  }

  private async spanOf(group: string, topic: string, queueId: number): Promise<QueueTimeSpan> {
    const { store } = this;
    const maxOffset = store.maxOffset(topic, queueId);
    const committed = this.offsets.query(group, topic, queueId);
    const minTimeStamp = await store.earliestStoreTimestamp(topic, queueId);
    const next = Math.max(0, committed);
    const nextTimestamp = next < maxOffset ? await store.storeTimestampOf(topic, queueId, next) : -1;
    return {
      messageQueue: { topic, brokerName: this.facts.brokerName, queueId },
      minTimeStamp,
      maxTimeStamp: maxOffset > 0 ? await store.storeTimestampOf(topic, queueId, maxOffset - 1) : -1,
      consumeTimeStamp: committed > 0 ? await store.storeTimestampOf(topic, queueId, committed - 1) : minTimeStamp,
      delayTime: nextTimestamp > 0 ? Math.max(0, systemClock() - nextTimestamp) : 0,
    };
  }
}
