import {
  AUTO_CREATE_TOPIC,
  isNotAllowedSendTopic,
  PermName,
  ResponseCode,
  RETRY_GROUP_TOPIC_PREFIX,
  type SendMessageRequest,
  TIMER_TOPIC,
  type TopicConfig,
  validateTopic,
} from '@rocknest/protocol';
import { RequestRefusedError } from '../errors.js';
import { SLAVE_TAKES_NO_MESSAGES } from '../replication/broker-role.js';
import type { TopicConfigManager } from '../metadata/index.js';
import type { TopicAutoCreator } from '../topics/topic-auto-creator.js';
import { TargetTable } from './target-table.js';

export interface PutGateOptions {
  /** The broker's own permission (`brokerPermission`), bits of PermName. Read at each use: it may change at run time. */
  readonly brokerPermission: () => number;
  /** Stands in remarks: the address that RocketMQ prints there (`brokerIP1`). */
  readonly brokerIp: string;
  /** A slave creates no topics. */
  readonly isSlave: boolean;
}

/** A topic that sends are let through to. */
export interface PutTarget {
  readonly config: TopicConfig;
  /** The topic's name, always the same string object: a map finds it without hashing anew. */
  readonly topic: string;
  /** The group of a `%RETRY%group` topic, otherwise undefined. */
  readonly retryGroup: string | undefined;
  /** The first queue id that is out of range. */
  readonly queueIdLimit: number;
}

/**
 * Decides whether a send may go to its topic: name, reserved topics, existence (creating the topic where that is allowed), queue id.
 * What it found out about a topic is remembered until the topic changes, so that the usual send costs one look-up. Only topics that exist
 * are remembered: there are `maxTopics` at most.
 *
 * Follows `msgCheck` of `broker/processor/AbstractSendMessageProcessor.java`, with the codes of 5.3.2 and later.
 */
export class PutGate {
  private readonly known = new Map<string, PutTarget>();
  /** The same targets, to be found by the bytes of a header. */
  readonly targets = new TargetTable();

  constructor(
    private readonly topics: TopicConfigManager,
    private readonly creator: TopicAutoCreator,
    private readonly options: PutGateOptions,
  ) {}

  /** Forgets what was remembered of topics that were created, changed or deleted. */
  topicsChanged(topics: readonly string[]): void {
    for (const topic of topics) {
      this.known.delete(topic);
      this.targets.forget(topic);
    }
  }

  /** The target of an admitted send without any waiting, or undefined when `admit` must look closer. */
  admitted(header: SendMessageRequest): PutTarget | undefined {
    const target = this.known.get(header.topic);
    return target !== undefined && header.queueId < target.queueIdLimit ? target : undefined;
  }

  /** @throws RequestRefusedError with the code and remark that the sender gets. */
  async admit(header: SendMessageRequest, remoteAddress: string): Promise<PutTarget> {
    const config = this.existing(header) ?? (await this.create(header));
    const target = this.remember(config);
    if (header.queueId >= target.queueIdLimit) {
      throw new RequestRefusedError(
        ResponseCode.INVALID_PARAMETER,
        `request queueId[${header.queueId}] is illegal, topic ${config.topicName} has ${config.readQueueNums} read and ${config.writeQueueNums} write queues. Producer: ${remoteAddress}`,
      );
    }
    return target;
  }

  private existing(header: SendMessageRequest): TopicConfig | undefined {
    const config = this.topics.get(header.topic);
    if ((this.options.brokerPermission() & PermName.WRITE) === 0 && config?.order === true) {
      throw new RequestRefusedError(
        ResponseCode.NO_PERMISSION,
        `the broker[${this.options.brokerIp}] sending message is forbidden`,
      );
    }
    const invalid = validateTopic(header.topic);
    if (invalid !== undefined) throw new RequestRefusedError(ResponseCode.INVALID_PARAMETER, invalid);
    // RocketMQ lets clients write to the timer topic; what came without TIMER_OUT_MS would never leave it.
    if (isNotAllowedSendTopic(header.topic) || header.topic === TIMER_TOPIC) {
      throw new RequestRefusedError(
        ResponseCode.NO_PERMISSION,
        `Sending message to topic[${header.topic}] is forbidden.`,
      );
    }
    return config;
  }

  private async create(header: SendMessageRequest): Promise<TopicConfig> {
    if (this.options.isSlave)
      throw new RequestRefusedError(ResponseCode.SERVICE_NOT_AVAILABLE, SLAVE_TAKES_NO_MESSAGES);
    const created = await this.creator.createOnSend(
      header.topic,
      header.defaultTopic,
      header.defaultTopicQueueNums,
      header.unitMode,
    );
    if (created !== undefined) return created;
    throw new RequestRefusedError(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${header.topic}] not exist, apply first please! Create it, or let the broker create topics by itself (autoCreateTopicEnable) with ${AUTO_CREATE_TOPIC} as the default topic; this send named "${header.defaultTopic}".`,
    );
  }

  private remember(config: TopicConfig): PutTarget {
    const known = this.known.get(config.topicName);
    if (known !== undefined && known.config === config) return known;
    const topic = config.topicName;
    const target: PutTarget = {
      config,
      topic,
      retryGroup: topic.startsWith(RETRY_GROUP_TOPIC_PREFIX) ? topic.slice(RETRY_GROUP_TOPIC_PREFIX.length) : undefined,
      queueIdLimit: Math.max(config.readQueueNums, config.writeQueueNums),
    };
    // With the broker closed for writing, order topics are refused at each send anew.
    if (!config.order || (this.options.brokerPermission() & PermName.WRITE) !== 0) {
      this.known.set(topic, target);
      this.targets.remember(target);
    }
    return target;
  }
}
