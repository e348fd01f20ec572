import { Controller } from '@nestjs/common';
import {
  type ConsumeStats,
  decodeGetConsumeStatsRequest,
  encodeConsumeStats,
  type GetConsumeStatsRequest,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';
import { ConsumerManager } from '../../clients/consumer-manager.js';
import { ConsumerOffsetManager, TopicConfigManager } from '../../metadata/index.js';
import { CheckPoints } from '../../pop/check-points.js';
import { BrokerFacts } from '../../stats/broker-facts.js';
import { topicConsumeStats } from '../../stats/topic-stats.js';

/**
 * GET_CONSUME_STATS (208): how far a group is in each queue. Without a list of topics: all topics with offsets of the group; while the
 * group is online, only those that it subscribes.
 */
@Controller()
export class GetConsumeStatsHandler {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly offsets: ConsumerOffsetManager,
    private readonly consumers: ConsumerManager,
    private readonly facts: BrokerFacts,
    private readonly checkPoints: CheckPoints,
  ) {}

  @RequestHandler(RequestCode.GET_CONSUME_STATS)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const header = decodeGetConsumeStatsRequest(request);
    const offsetTable: ConsumeStats['offsetTable'] = [];
    for (const topic of this.topicsOf(header)) {
      const config = this.topics.get(topic);
      if (config === undefined) continue;
      // Of a queue that is popped, what was popped counts as with RocketMQ, also while it is not safe to commit that.
      const progress = (queueId: number): number => this.checkPoints.nextOffset(topic, header.consumerGroup, queueId);
      offsetTable.push(...(await topicConsumeStats(this.store, this.facts.brokerName, config, progress)));
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeConsumeStats({ consumeTps: 0, offsetTable }) });
  }

  private topicsOf({ consumerGroup, topic, topicList }: GetConsumeStatsRequest): string[] {
    const asked = (topicList ?? '').split(';').filter((name) => name !== '');
    if (asked.length > 0) return asked;
    const candidates = topic ? [topic] : [...this.offsets.topicsOf(consumerGroup)];
    const online = this.consumers.get(consumerGroup);
    if (online === undefined || online.subscriptions.size === 0) return candidates;
    return candidates.filter((name) => online.subscriptions.has(name));
  }
}
