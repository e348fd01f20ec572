import { Controller } from '@nestjs/common';
import {
  decodeGetTopicStatsInfoRequest,
  encodeTopicStatsTable,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';
import { RequestRefusedError } from '../../errors.js';
import { TopicConfigManager } from '../../metadata/index.js';
import { BrokerFacts } from '../../stats/broker-facts.js';
import { topicStats } from '../../stats/topic-stats.js';

/** GET_TOPIC_STATS_INFO (202): bounds of each queue of a topic, and when its newest message was stored. */
@Controller()
export class GetTopicStatsInfoHandler {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly facts: BrokerFacts,
  ) {}

  @RequestHandler(RequestCode.GET_TOPIC_STATS_INFO)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { topic } = decodeGetTopicStatsInfoRequest(request);
    const config = this.topics.get(topic);
    if (config === undefined) throw new RequestRefusedError(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
    const stats = await topicStats(this.store, this.facts.brokerName, config);
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeTopicStatsTable(stats) });
  }
}
