import {
  decodeConsumeMessageDirectlyResult,
  decodeConsumerConnection,
  decodeConsumerRunningInfo,
  decodeConsumeStats,
  decodeOffsetMsgId,
  decodeSubscriptionGroupConfig,
  defaultSubscriptionGroupConfig,
  encodeConsumeMessageDirectlyRequest,
  encodeDeleteSubscriptionGroupRequest,
  encodeGetConsumerConnectionListRequest,
  encodeGetConsumerRunningInfoRequest,
  encodeGetConsumeStatsRequest,
  encodeGetSubscriptionGroupConfigRequest,
  encodeSetMessageRequestModeRequestBody,
  encodeSubscriptionGroupConfig,
  RequestCode,
  ResponseCode,
  retryTopicOf,
  type ConsumeMessageDirectlyResult,
  type ConsumerConnection,
  type ConsumerRunningInfo,
  type MessageQueue,
  type MessageRequestMode,
  type OffsetWrapper,
  type SubscriptionGroupConfig,
} from '@rocknest/protocol';
import { checkGroup } from '../consumer/push-consumer-options.js';
import { responseCodeOf } from '../errors.js';
import type { AdminContext, AdminTarget } from './admin-context.js';

/** What a broker passes on to a member gets so many times as long as other requests (`DefaultMQAdminExtImpl`): the member itself has 10 s. */
const RELAY_TIMEOUT_FACTOR = 3;

export interface ConsumeProgress extends OffsetWrapper {
  queue: MessageQueue;
}

/** Consumer groups: create, change, delete, look at. */
export class GroupAdmin {
  constructor(private readonly context: AdminContext) {}

  async createOrUpdate(group: string, config: Partial<SubscriptionGroupConfig>, target: AdminTarget): Promise<void> {
    checkGroup(group);
    const body = encodeSubscriptionGroupConfig({
      ...defaultSubscriptionGroupConfig(group),
      ...config,
      groupName: group,
    });
    for (const address of await this.context.addressesOf(target)) {
      await this.context.request(
        address,
        RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
        {},
        `create group ${group}`,
        body,
      );
    }
  }

  async delete(groupName: string, cleanOffset: boolean, target: AdminTarget): Promise<void> {
    const fields = encodeDeleteSubscriptionGroupRequest({ groupName, cleanOffset });
    for (const address of await this.context.addressesOf(target)) {
      await this.context.request(address, RequestCode.DELETE_SUBSCRIPTIONGROUP, fields, `delete group ${groupName}`);
    }
  }

  async config(address: string, group: string): Promise<SubscriptionGroupConfig> {
    const fields = encodeGetSubscriptionGroupConfigRequest({ group });
    const response = await this.context.request(
      address,
      RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG,
      fields,
      `configuration of group ${group}`,
    );
    return decodeSubscriptionGroupConfig(response.bodyBuffer);
  }

  /** Where the group stands in each queue, of one topic or of all that it has offsets for. */
  async stats(consumerGroup: string, topic: string | undefined): Promise<ConsumeProgress[]> {
    const all: ConsumeProgress[] = [];
    // A group without a retry topic has never consumed; its topic, if given, says where to ask then.
    for (const address of await this.brokersOf(consumerGroup, topic)) {
      const fields = encodeGetConsumeStatsRequest({ consumerGroup, topic });
      const response = await this.context.request(
        address,
        RequestCode.GET_CONSUME_STATS,
        fields,
        `progress of group ${consumerGroup}`,
      );
      const { offsetTable } = decodeConsumeStats(response.bodyBuffer);
      all.push(...offsetTable.map(({ queue, value }) => ({ queue, ...value })));
    }
    return all;
  }

  /** Members as the brokers see them; undefined when nobody is online. */
  async connections(consumerGroup: string): Promise<ConsumerConnection | undefined> {
    for (const address of await this.brokersOf(consumerGroup, undefined)) {
      try {
        const response = await this.context.request(
          address,
          RequestCode.GET_CONSUMER_CONNECTION_LIST,
          encodeGetConsumerConnectionListRequest({ consumerGroup }),
          `members of group ${consumerGroup}`,
        );
        return decodeConsumerConnection(response.bodyBuffer);
      } catch (error) {
        if (responseCodeOf(error) !== ResponseCode.CONSUMER_NOT_ONLINE) throw error;
      }
    }
    return undefined;
  }

  async runningInfo(consumerGroup: string, clientId: string, jstackEnable: boolean): Promise<ConsumerRunningInfo> {
    const [address] = await this.brokersOf(consumerGroup, undefined);
    const response = await this.context.request(
      address,
      RequestCode.GET_CONSUMER_RUNNING_INFO,
      encodeGetConsumerRunningInfoRequest({ consumerGroup, clientId, jstackEnable }),
      `running info of ${clientId}`,
      undefined,
      this.context.timeoutMs * RELAY_TIMEOUT_FACTOR,
    );
    return decodeConsumerRunningInfo(response.bodyBuffer);
  }

  /** One member handles one stored message, outside of queues and offsets. */
  async consumeDirectly(
    consumerGroup: string,
    clientId: string,
    topic: string,
    offsetMsgId: string,
  ): Promise<ConsumeMessageDirectlyResult> {
    const response = await this.context.request(
      decodeOffsetMsgId(offsetMsgId).address,
      RequestCode.CONSUME_MESSAGE_DIRECTLY,
      encodeConsumeMessageDirectlyRequest({ consumerGroup, clientId, topic, msgId: offsetMsgId }),
      `message ${offsetMsgId} handled by ${clientId}`,
      undefined,
      this.context.timeoutMs * RELAY_TIMEOUT_FACTOR,
    );
    return decodeConsumeMessageDirectlyResult(response.bodyBuffer);
  }

  /** How the group's members get the topic's messages; every broker of the topic is told. */
  async setRequestMode(
    consumerGroup: string,
    topic: string,
    mode: MessageRequestMode,
    popShareQueueNum: number,
  ): Promise<void> {
    const body = encodeSetMessageRequestModeRequestBody({ topic, consumerGroup, mode, popShareQueueNum });
    const what = `request mode ${mode} of ${topic} for group ${consumerGroup}`;
    for (const address of this.context.addressesOfRoute(await this.context.topicRoute(topic))) {
      await this.context.request(address, RequestCode.SET_MESSAGE_REQUEST_MODE, {}, what, body);
    }
  }

  /** Brokers that have the group: those of its retry topic, which exists from its first heartbeat on. */
  private async brokersOf(group: string, topic: string | undefined): Promise<string[]> {
    return this.context.addressesOfRoute(await this.context.topicRoute(topic ?? retryTopicOf(group)));
  }
}
