import {
  AUTO_CREATE_TOPIC,
  dlqTopicOf,
  isInherited,
  isRetryTopic,
  PERM_READ_WRITE,
  PermName,
  ResponseCode,
  retryTopicOf,
  type TopicConfig,
  TopicSysFlag,
} from '@rocknest/protocol';
import { DLQ_QUEUE_NUMS, POP_RETRY_QUEUE_NUMS } from '../defaults.js';
import { RequestRefusedError } from '../errors.js';
import type { TopicConfigManager } from '../metadata/index.js';

export interface TopicAutoCreatorOptions {
  readonly autoCreateTopicEnable: boolean;
  /** Topics that exist at most; past it nothing is created by itself. */
  readonly maxTopics: number;
  /** Called after a topic was created and stored, so that the namesrvs hear of it at once. */
  readonly onCreated: (topic: TopicConfig) => void;
}

/**
 * Creates topics that are needed and missing: on the first send to a topic, the retry topic of a group, its dead letter topic.
 * Requests that need the same topic at the same time share one creation.
 *
 * Follows `broker/topic/TopicConfigManager.java` (`createTopicInSendMessageMethod`, `createTopicInSendMessageBackMethod`).
 */
export class TopicAutoCreator {
  private readonly underWay = new Map<string, Promise<TopicConfig>>();

  constructor(
    private readonly topics: TopicConfigManager,
    private readonly options: TopicAutoCreatorOptions,
  ) {}

  /**
   * The topic of a send whose topic does not exist yet.
   *
   * @param base name of the topic whose settings are inherited, normally TBW102; its permission must have INHERIT.
   * @param wishedQueueNums how many queues the sender would like; the base topic's number is the most it gets.
   * @returns undefined when the topic may not be created.
   */
  async createOnSend(
    topic: string,
    base: string,
    wishedQueueNums: number,
    unitMode: boolean,
  ): Promise<TopicConfig | undefined> {
    if (isRetryTopic(topic)) return this.create(topic, 1, unitMode ? TopicSysFlag.UNIT_SUB : 0);
    const baseConfig = this.topics.get(base);
    if (baseConfig === undefined || !isInherited(baseConfig.perm)) return undefined;
    if (base === AUTO_CREATE_TOPIC && !this.options.autoCreateTopicEnable) return undefined;
    const queueNums = Math.max(0, Math.min(wishedQueueNums, baseConfig.writeQueueNums));
    return this.put({
      topicName: topic,
      readQueueNums: queueNums,
      writeQueueNums: queueNums,
      perm: baseConfig.perm & ~PermName.INHERIT,
      topicFilterType: baseConfig.topicFilterType,
      topicSysFlag: unitMode ? TopicSysFlag.UNIT : 0,
      order: false,
      attributes: {},
    });
  }

  /**
   * `%RETRY%group`, with as many queues as the group asks for.
   *
   * @param order whether the group subscribes an order topic; an existing retry topic is changed to it. Undefined: leave it as it is.
   */
  async retryTopic(group: string, queueNums: number, unitMode: boolean, order?: boolean): Promise<TopicConfig> {
    const name = retryTopicOf(group);
    const known = this.topics.get(name);
    if (known !== undefined) {
      return order === undefined || known.order === order ? known : this.put({ ...known, order });
    }
    return this.create(name, queueNums, unitMode ? TopicSysFlag.UNIT_SUB : 0, order);
  }

  /** A pop retry topic, with its one queue. Without waiting when it exists. */
  popRetryTopic(name: string): TopicConfig | Promise<TopicConfig> {
    return this.topics.get(name) ?? this.create(name, POP_RETRY_QUEUE_NUMS, 0);
  }

  /** `%DLQ%group`. */
  async deadLetterTopic(group: string): Promise<TopicConfig> {
    const name = dlqTopicOf(group);
    return this.topics.get(name) ?? this.create(name, DLQ_QUEUE_NUMS, 0);
  }

  private create(topicName: string, queueNums: number, topicSysFlag: number, order = false): Promise<TopicConfig> {
    return this.put({
      topicName,
      readQueueNums: queueNums,
      writeQueueNums: queueNums,
      perm: PERM_READ_WRITE,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag,
      order,
      attributes: {},
    });
  }

  private put(config: TopicConfig): Promise<TopicConfig> {
    const underWay = this.underWay.get(config.topicName);
    if (underWay !== undefined) return underWay;
    if (this.topics.all().size >= this.options.maxTopics && this.topics.get(config.topicName) === undefined) {
      throw new RequestRefusedError(
        ResponseCode.SYSTEM_BUSY,
        `topic[${config.topicName}] cannot be created: the broker has ${this.topics.all().size} topics, which is its limit (maxTopics)`,
      );
    }
    const creation = this.store(config).finally(() => this.underWay.delete(config.topicName));
    this.underWay.set(config.topicName, creation);
    return creation;
  }

  private async store(config: TopicConfig): Promise<TopicConfig> {
    const changed = await this.topics.put(config);
    const stored = this.topics.get(config.topicName) ?? config;
    if (changed) this.options.onCreated(stored);
    return stored;
  }
}
