import { Controller } from '@nestjs/common';
import {
  type ConsumeStats,
  decodeGetBrokerConsumeStatsRequest,
  encodeConsumeStatsList,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';
import { ConsumerManager } from '../../clients/consumer-manager.js';
import { ConsumerOffsetManager, SubscriptionGroupManager, TopicConfigManager } from '../../metadata/index.js';
import { BrokerFacts } from '../../stats/broker-facts.js';
import { topicConsumeStats } from '../../stats/topic-stats.js';

/**
 * GET_BROKER_CONSUME_STATS (317): how far every group is, and what all of them have left together.
 *
 * Follows `fetchAllConsumeStatsInBroker` of `broker/processor/AdminBrokerProcessor.java`.
 */
@Controller()
export class GetBrokerConsumeStatsHandler {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly groups: SubscriptionGroupManager,
    private readonly offsets: ConsumerOffsetManager,
    private readonly consumers: ConsumerManager,
    private readonly facts: BrokerFacts,
  ) {}

  @RequestHandler(RequestCode.GET_BROKER_CONSUME_STATS)
  async handle(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    const { isOrder } = decodeGetBrokerConsumeStatsRequest(request);
    const consumeStatsList = new Map<string, ConsumeStats[]>();
    let totalDiff = 0;
    for (const group of [...this.groups.all().keys()]) {
      const stats = await this.statsOf(group, isOrder);
      consumeStatsList.set(group, stats);
      for (const { value } of stats.flatMap(({ offsetTable }) => offsetTable)) {
        totalDiff += value.brokerOffset - value.consumerOffset;
      }
    }
    const body = encodeConsumeStatsList({
      brokerAddr: connection.localAddress,
      totalDiff,
      totalInflightDiff: 0,
      consumeStatsList,
    });
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }

  private async statsOf(group: string, isOrder: boolean): Promise<ConsumeStats[]> {
    const online = this.consumers.get(group);
    const stats: ConsumeStats[] = [];
    for (const topic of this.offsets.topicsOf(group)) {
      const config = this.topics.get(topic);
      if (config === undefined || (isOrder && !config.order)) continue;
      if (online !== undefined && online.subscriptions.size > 0 && !online.subscriptions.has(topic)) continue;
      const committed = (queueId: number): number => this.offsets.query(group, topic, queueId);
      stats.push({
        consumeTps: 0,
        offsetTable: await topicConsumeStats(this.store, this.facts.brokerName, config, committed),
      });
    }
    return stats;
  }
}
