import {
  encodeResetConsumerClientOffsetRequest,
  encodeResetOffsetBody,
  encodeResetOffsetBodyForC,
  type InvokeBrokerToResetOffsetRequest,
  MqVersion,
  mqVersionName,
  type QueueEntry,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type TopicConfig,
} from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import type { ConsumerManager } from '../clients/consumer-manager.js';
import { RequestRefusedError } from '../errors.js';
import type { ConsumerOffsetManager, SubscriptionGroupManager, TopicConfigManager } from '../metadata/index.js';
import type { PullRequestHoldService } from '../pull/hold-service.js';

export interface OffsetResetterOptions {
  readonly brokerName: string;
  /** `useServerSideResetOffset`; read at each use: it may change at run time. */
  readonly serverSide: () => boolean;
}

/** What is asked for: INVOKE_BROKER_TO_RESET_OFFSET. */
export type OffsetReset = InvokeBrokerToResetOffsetRequest;

/**
 * Moves the offsets of a group to a time, or those of one queue to an offset.
 *
 * On the server's side (the default, and RocketMQ's since 5.2): the offsets are set here, for groups that are online or not, and members learn of it by
 * their next pull; parked pulls are answered at once. Otherwise the members are told the offsets (RESET_CONSUMER_CLIENT_OFFSET) and set them.
 *
 * Follows `resetOffset` and `resetOffsetInner` of `broker/processor/AdminBrokerProcessor.java`, and `broker/client/net/Broker2Client.java`.
 */
export class OffsetResetter {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly groups: SubscriptionGroupManager,
    private readonly offsets: ConsumerOffsetManager,
    private readonly consumers: ConsumerManager,
    private readonly holds: PullRequestHoldService,
    private readonly options: OffsetResetterOptions,
  ) {}

  /**
   * @returns the new offsets.
   * @throws RequestRefusedError with RocketMQ's code: TOPIC_NOT_EXIST, SUBSCRIPTION_GROUP_NOT_EXIST, CONSUMER_NOT_ONLINE, SYSTEM_ERROR.
   */
  reset(reset: OffsetReset): Promise<QueueEntry<number>[]> {
    return this.options.serverSide() ? this.resetHere(reset) : this.resetAtMembers(reset);
  }

  private async resetHere(reset: OffsetReset): Promise<QueueEntry<number>[]> {
    const { topic, group } = reset;
    const config = this.topicOf(topic);
    if (this.groups.get(group) === undefined) {
      throw refused(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${group} does not exist`);
    }
    const table = reset.queueId >= 0 ? [await this.oneQueue(reset, config)] : await this.allQueues(reset, config);
    if (table.length === 0) throw refused(ResponseCode.SYSTEM_ERROR, 'No queues to reset.');
    const online = this.consumers.get(group) !== undefined;
    for (const { queue, value } of table) {
      // Nobody needs to be told when nobody is there: who comes reads the stored offset.
      if (online) this.offsets.reset(group, topic, queue.queueId, value);
      else this.offsets.commit(group, topic, queue.queueId, value);
    }
    if (online) for (const { queue } of table) this.holds.wakeQueue(topic, queue.queueId);
    return table;
  }

  private async oneQueue(reset: OffsetReset, config: TopicConfig): Promise<QueueEntry<number>> {
    const { topic, queueId, offset } = reset;
    if (queueId >= config.readQueueNums) {
      throw refused(
        ResponseCode.INVALID_PARAMETER,
        `queueId[${queueId}] is illegal, topic:[${topic}] topicConfig.readQueueNums:[${config.readQueueNums}]`,
      );
    }
    if (offset === undefined || offset === -1) {
      return { queue: this.queue(topic, queueId), value: await this.offsetAt(topic, queueId, reset.timestamp) };
    }
    const [min, max] = [this.store.minOffset(topic, queueId), this.store.maxOffset(topic, queueId)];
    if (offset < min || offset > max + 1) {
      throw refused(
        ResponseCode.SYSTEM_ERROR,
        `Target offset ${offset} not in consume queue range [${min}-${max}] of topic ${topic} queue ${queueId}`,
      );
    }
    return { queue: this.queue(topic, queueId), value: offset };
  }

  private async allQueues({ topic, timestamp }: OffsetReset, config: TopicConfig): Promise<QueueEntry<number>[]> {
    const table: QueueEntry<number>[] = [];
    for (let queueId = 0; queueId < config.readQueueNums; queueId++) {
      table.push({ queue: this.queue(topic, queueId), value: await this.offsetAt(topic, queueId, timestamp) });
    }
    return table;
  }

  /** Without `isForce` no queue moves forwards. */
  private async resetAtMembers(reset: OffsetReset): Promise<QueueEntry<number>[]> {
    const { topic, group, timestamp, isForce } = reset;
    const config = this.topicOf(topic);
    const table: QueueEntry<number>[] = [];
    for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
      const committed = this.offsets.query(group, topic, queueId);
      if (committed < 0) {
        throw refused(ResponseCode.SYSTEM_ERROR, `The consumer group <${group}> not exist`);
      }
      const wanted = Math.max(0, await this.offsetAt(topic, queueId, timestamp));
      table.push({ queue: this.queue(topic, queueId), value: isForce || wanted < committed ? wanted : committed });
    }
    this.tellMembers(reset, table);
    return table;
  }

  private tellMembers({ topic, group, timestamp }: OffsetReset, offsetTable: QueueEntry<number>[]): void {
    const members = [...(this.consumers.get(group)?.channels.values() ?? [])];
    if (members.length === 0) {
      throw refused(
        ResponseCode.CONSUMER_NOT_ONLINE,
        `Consumer not online, so can not reset offset, Group: ${group} Topic: ${topic} Timestamp: ${timestamp}`,
      );
    }
    const tooOld = members.find(({ version }) => version < MqVersion.V3_0_7_SNAPSHOT);
    if (tooOld !== undefined) {
      throw refused(
        ResponseCode.SYSTEM_ERROR,
        `the client ${tooOld.clientId} does not support this feature. version=${mqVersionName(tooOld.version)}`,
      );
    }
    const fields = encodeResetConsumerClientOffsetRequest({ topic, group, timestamp, isForce: false });
    for (const { connection, language } of members) {
      const body =
        language === 'CPP' ? encodeResetOffsetBodyForC({ offsetTable }) : encodeResetOffsetBody({ offsetTable });
      connection.oneway(RemotingCommand.request(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, fields, body).markOneway());
    }
  }

  private topicOf(topic: string): TopicConfig {
    const config = this.topics.get(topic);
    if (config === undefined) throw refused(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} does not exist`);
    return config;
  }

  private queue(topic: string, queueId: number): QueueEntry<number>['queue'] {
    return { topic, brokerName: this.options.brokerName, queueId };
  }

  /** A negative time means the end. */
  private async offsetAt(topic: string, queueId: number, timestampMs: number): Promise<number> {
    if (timestampMs < 0) return this.store.maxOffset(topic, queueId);
    return this.store.offsetByTimestamp(topic, queueId, timestampMs, 'LOWER');
  }
}

function refused(code: number, remark: string): RequestRefusedError {
  return new RequestRefusedError(code, remark);
}
