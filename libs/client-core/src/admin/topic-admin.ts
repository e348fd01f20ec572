import {
  AUTO_CREATE_TOPIC,
  decodeTopicConfig,
  decodeTopicList,
  decodeTopicStatsTable,
  encodeDeleteTopicInBrokerRequest,
  encodeDeleteTopicInNamesrvRequest,
  encodeGetTopicConfigRequest,
  encodeGetTopicStatsInfoRequest,
  encodeUpdateAndCreateTopicRequest,
  isSystemTopic,
  isValidPerm,
  PERM_READ_WRITE,
  RequestCode,
  validateTopic,
  type TopicConfig,
  type TopicOffset,
  type MessageQueue,
} from '@rocknest/protocol';
import { integerOption, invalidArgument } from '../support/check.js';
import type { AdminContext, AdminTarget } from './admin-context.js';

/** Queues of a topic that is created without saying how many (`TopicConfig`'s default is 16; mqadmin and this use 8). */
const DEFAULT_QUEUE_NUMS = 8;
const MAX_QUEUE_NUMS = 65_536;

/** What may be said of a topic; RocketMQ's names (`common/TopicConfig.java`). */
export interface TopicOptions {
  readQueueNums?: number;
  writeQueueNums?: number;
  /** Bits: 4 read, 2 write. Default 6. */
  perm?: number;
  topicFilterType?: 'SINGLE_TAG' | 'MULTI_TAG';
  topicSysFlag?: number;
  order?: boolean;
  /** Attributes to set, for instance `{ 'message.type': 'FIFO' }`. */
  attributes?: Readonly<Record<string, string>>;
}

export interface QueueStats extends TopicOffset {
  queue: MessageQueue;
}

/** Topics: create, change, delete, look at. */
export class TopicAdmin {
  constructor(private readonly context: AdminContext) {}

  async createOrUpdate(topic: string, options: TopicOptions, target: AdminTarget): Promise<void> {
    const problem = validateTopic(topic);
    if (problem !== undefined) throw invalidArgument(problem, { topic });
    if (isSystemTopic(topic))
      throw invalidArgument(`topic ${topic} belongs to RocketMQ itself; choose another name`, { topic });
    const perm = options.perm ?? PERM_READ_WRITE;
    if (!isValidPerm(perm)) throw invalidArgument(`perm ${perm} is not a sum of 4 (read), 2 (write) and 1 (inherit)`);
    const writeQueueNums = integerOption(
      'writeQueueNums',
      options.writeQueueNums,
      DEFAULT_QUEUE_NUMS,
      1,
      MAX_QUEUE_NUMS,
    );
    const readQueueNums = integerOption('readQueueNums', options.readQueueNums, writeQueueNums, 1, MAX_QUEUE_NUMS);
    const attributes = Object.entries(options.attributes ?? {}).map(([name, value]) => `+${name}=${value}`);
    const fields = encodeUpdateAndCreateTopicRequest({
      topic,
      defaultTopic: AUTO_CREATE_TOPIC,
      readQueueNums,
      writeQueueNums,
      perm,
      topicFilterType: options.topicFilterType ?? 'SINGLE_TAG',
      topicSysFlag: options.topicSysFlag ?? 0,
      order: options.order ?? false,
      attributes: attributes.length > 0 ? attributes.join(',') : undefined,
      force: false,
    });
    for (const address of await this.context.addressesOf(target)) {
      await this.context.request(address, RequestCode.UPDATE_AND_CREATE_TOPIC, fields, `create topic ${topic}`);
    }
  }

  /** On every broker of the target first, since one that still had it would register it again; then at every namesrv. */
  async delete(topic: string, target: AdminTarget): Promise<void> {
    for (const address of await this.context.addressesOf(target)) {
      const fields = encodeDeleteTopicInBrokerRequest({ topic });
      await this.context.request(address, RequestCode.DELETE_TOPIC_IN_BROKER, fields, `delete topic ${topic}`);
    }
    const clusterName = target !== 'all' && 'cluster' in target ? target.cluster : undefined;
    const fields = encodeDeleteTopicInNamesrvRequest({ topic, clusterName });
    await this.context.tellAll(RequestCode.DELETE_TOPIC_IN_NAMESRV, fields, `delete topic ${topic}`);
  }

  async list(): Promise<string[]> {
    const response = await this.context.ask(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, {}, 'topic list');
    return decodeTopicList(response.bodyBuffer).topicList;
  }

  async config(address: string, topic: string): Promise<TopicConfig> {
    const fields = encodeGetTopicConfigRequest({ topic, lo: false });
    const response = await this.context.request(
      address,
      RequestCode.GET_TOPIC_CONFIG,
      fields,
      `configuration of topic ${topic}`,
    );
    return decodeTopicConfig(response.bodyBuffer);
  }

  /** Offsets of the queues on all brokers of the topic. */
  async stats(topic: string): Promise<QueueStats[]> {
    const all: QueueStats[] = [];
    for (const address of this.context.addressesOfRoute(await this.context.topicRoute(topic))) {
      const fields = encodeGetTopicStatsInfoRequest({ topic });
      const response = await this.context.request(
        address,
        RequestCode.GET_TOPIC_STATS_INFO,
        fields,
        `offsets of topic ${topic}`,
      );
      const { offsetTable } = decodeTopicStatsTable(response.bodyBuffer);
      all.push(...offsetTable.map(({ queue, value }) => ({ queue, ...value })));
    }
    return all;
  }
}
