import {
  decodeConsumeTimeSpans,
  decodeGroupConsumerStatus,
  decodeResetOffsetBody,
  encodeCloneGroupOffsetRequest,
  encodeInvokeBrokerToGetConsumerStatusRequest,
  encodeInvokeBrokerToResetOffsetRequest,
  encodeQueryConsumeTimeSpanRequest,
  MASTER_ID,
  RequestCode,
  ResponseCode,
  type MessageQueue,
  type QueueTimeSpan,
} from '@rocknest/protocol';
import type { ConsumerApi } from '../consumer/consumer-api.js';
import { responseCodeOf } from '../errors.js';
import { subscribeQueuesOf } from '../route/route-queues.js';
import { invalidArgument } from '../support/check.js';
import type { AdminContext } from './admin-context.js';

/** What a reset did to one queue (RocketMQ: `remoting/protocol/admin/RollbackStats.java`). */
export interface RollbackStats {
  queue: MessageQueue;
  /** Where the group was; -1 when it had no offset. */
  consumerOffset: number;
  /** The offset of the time that was asked for. */
  timestampOffset: number;
  /** Where the group is now. */
  rollbackOffset: number;
}

/** Offsets of consumer groups: move, copy, ask. */
export class OffsetAdmin {
  constructor(
    private readonly context: AdminContext,
    private readonly api: ConsumerApi,
  ) {}

  /** Moves the group's offsets of a topic to a time (-1: the end), through the brokers of the topic. Returns the new offsets. */
  async resetByTimestamp(
    group: string,
    topic: string,
    timestampMs: number,
    isForce: boolean,
  ): Promise<[MessageQueue, number][]> {
    checkTimestamp(timestampMs);
    const all: [MessageQueue, number][] = [];
    for (const address of this.context.addressesOfRoute(await this.context.topicRoute(topic))) {
      all.push(...(await this.resetAt(address, { topic, group, timestamp: timestampMs, isForce, queueId: -1 })));
    }
    return all;
  }

  /** One queue to an offset; needs a broker that resets on its own side. */
  async resetQueue(group: string, queue: MessageQueue, offset: number): Promise<void> {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw invalidArgument(`offset is ${offset}, must be a whole number, 0 or more`, { offset });
    }
    const { topic, queueId } = queue;
    const address = await this.api.addressOf(queue);
    await this.resetAt(address, { topic, group, timestamp: -1, isForce: true, queueId, offset });
  }

  /**
   * The way for groups that are offline, which every broker knows: the offsets are looked up and written here. Without `isForce` no queue moves
   * forwards. Members that are online would go on where they are and write over it.
   */
  async resetByTimestampOld(
    group: string,
    topic: string,
    timestampMs: number,
    isForce: boolean,
  ): Promise<RollbackStats[]> {
    checkTimestamp(timestampMs);
    const queues = subscribeQueuesOf(topic, await this.context.topicRoute(topic));
    const stats: RollbackStats[] = [];
    for (const queue of queues) {
      const consumerOffset = await this.consumerOffset(group, queue);
      const timestampOffset =
        timestampMs < 0 ? await this.api.maxOffset(queue) : await this.api.searchOffset(queue, timestampMs);
      const moves = isForce || consumerOffset < 0 || timestampOffset <= consumerOffset;
      const rollbackOffset = moves ? timestampOffset : consumerOffset;
      if (rollbackOffset !== consumerOffset) await this.api.updateConsumerOffset(group, queue, rollbackOffset);
      stats.push({ queue, consumerOffset, timestampOffset, rollbackOffset });
    }
    return stats;
  }

  /** Moves a group whether it is online or not, on every version of the broker. */
  async reset(group: string, topic: string, timestampMs: number): Promise<void> {
    try {
      await this.resetByTimestamp(group, topic, timestampMs, true);
    } catch (error) {
      if (responseCodeOf(error) !== ResponseCode.CONSUMER_NOT_ONLINE) throw error;
      await this.resetByTimestampOld(group, topic, timestampMs, true);
    }
  }

  /** Client id -> where it is in the topic's queues, by its own word. */
  async consumeStatus(
    group: string,
    topic: string,
    clientId: string | undefined,
  ): Promise<Map<string, [MessageQueue, number][]>> {
    const all = new Map<string, [MessageQueue, number][]>();
    const [address] = this.context.addressesOfRoute(await this.context.topicRoute(topic));
    const response = await this.context.request(
      address,
      RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
      encodeInvokeBrokerToGetConsumerStatusRequest({ topic, group, clientAddr: clientId }),
      `consume status of group ${group}`,
    );
    for (const [member, table] of decodeGroupConsumerStatus(response.bodyBuffer).consumerTable) {
      all.set(
        member,
        table.map(({ queue, value }) => [queue, value]),
      );
    }
    return all;
  }

  /** Gives a group the offsets of another one. */
  async clone(srcGroup: string, destGroup: string, topic: string, offline: boolean): Promise<void> {
    const fields = encodeCloneGroupOffsetRequest({ srcGroup, destGroup, topic, offline });
    for (const address of this.mastersOf(await this.context.topicRoute(topic))) {
      await this.context.request(address, RequestCode.CLONE_GROUP_OFFSET, fields, `clone of group ${srcGroup}`);
    }
  }

  async timeSpans(group: string, topic: string): Promise<QueueTimeSpan[]> {
    const fields = encodeQueryConsumeTimeSpanRequest({ topic, group });
    const spans: QueueTimeSpan[] = [];
    for (const address of this.context.addressesOfRoute(await this.context.topicRoute(topic))) {
      const response = await this.context.request(
        address,
        RequestCode.QUERY_CONSUME_TIME_SPAN,
        fields,
        `time spans of group ${group}`,
      );
      spans.push(...decodeConsumeTimeSpans(response.bodyBuffer).consumeTimeSpanSet);
    }
    return spans;
  }

  private async consumerOffset(group: string, queue: MessageQueue): Promise<number> {
    try {
      return await this.api.queryConsumerOffset(group, queue);
    } catch (error) {
      if (responseCodeOf(error) === ResponseCode.QUERY_NOT_FOUND) return -1;
      throw error;
    }
  }

  private mastersOf(route: Parameters<AdminContext['addressesOfRoute']>[0]): string[] {
    return route.brokerDatas
      .map(({ brokerAddrs }) => brokerAddrs.get(MASTER_ID))
      .filter((address) => address !== undefined);
  }

  private async resetAt(
    address: string,
    header: Parameters<typeof encodeInvokeBrokerToResetOffsetRequest>[0],
  ): Promise<[MessageQueue, number][]> {
    const response = await this.context.request(
      address,
      RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
      encodeInvokeBrokerToResetOffsetRequest(header),
      `reset of group ${header.group}`,
    );
    const { offsetTable } = decodeResetOffsetBody(response.bodyBuffer);
    return offsetTable.map(({ queue, value }) => [queue, value]);
  }
}

function checkTimestamp(timestampMs: number): void {
  if (!Number.isSafeInteger(timestampMs) || timestampMs < -1) {
    throw invalidArgument(`timestamp is ${timestampMs}, must be ms since 1970, or -1 for the end`, { timestampMs });
  }
}
