import {
  isReadable,
  POP_MAX_MESSAGES,
  type PopMessageRequest,
  RemotingCommand,
  ResponseCode,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocknest/protocol';
import type { Clock } from '../clock.js';
import { isTagType, type RecordFilter } from '../clients/subscription.js';
import { type FilterOptions, propertyFilterRefused } from '../filter/subscription-check.js';
import type { TopicConfigManager } from '../metadata/index.js';
import { POP_TIMEOUT_TOLERANCE_MS } from './defaults.js';
import { PopFilters } from './pop-filters.js';

export interface PopAdmissionOptions {
  /** The broker's own permission (`brokerPermission`), bits of PermName. Read at each use: it may change at run time. */
  readonly brokerPermission: () => number;
  /** Stands in remarks: the address that RocketMQ prints there (`brokerIP1`). */
  readonly brokerIp: string;
  readonly maxInvisibleMs: number;
  /** What was popped is noted in the log, which a slave does not write. */
  readonly isSlave: boolean;
  readonly filters: FilterOptions;
  readonly clock: Clock;
}

/** What a request asks that pops, or asks about pops. */
export interface PopTarget {
  readonly consumerGroup: string;
  readonly topic: string;
  /** Negative: any queue. */
  readonly queueId: number;
}

/** A pop that may go on to the store. */
export interface AdmittedPop {
  readonly topic: TopicConfig;
  readonly matches: ((tagsCode: number) => boolean) | undefined;
  /** Tests a stored message; undefined when the tags code alone decides. */
  readonly matchesRecord: RecordFilter | undefined;
}

/**
 * Checks pops, and requests about pops, in RocketMQ's order.
 *
 * Follows `processRequest` of `broker/processor/PopMessageProcessor.java`, `NotificationProcessor.java` and `PollingInfoProcessor.java`.
 */
export class PopAdmission {
  private readonly filters = new PopFilters();

  constructor(
    private readonly topics: TopicConfigManager,
    private readonly options: PopAdmissionOptions,
  ) {}

  /** @param group undefined when the group does not exist and was not created. @returns the refusal, or what the store needs. */
  admit(
    header: PopMessageRequest,
    group: SubscriptionGroupConfig | undefined,
    remoteAddress: string,
  ): AdmittedPop | RemotingCommand {
    const { brokerIp, maxInvisibleMs } = this.options;
    if (this.options.clock() - header.bornTime - header.pollTime > POP_TIMEOUT_TOLERANCE_MS) {
      return refused(ResponseCode.POLLING_TIMEOUT, `the broker[${brokerIp}] pop message is timeout too much`);
    }
    if (header.maxMsgNums > POP_MAX_MESSAGES) {
      return refused(
        ResponseCode.INVALID_PARAMETER,
        `the broker[${brokerIp}] pop message's num is greater than ${POP_MAX_MESSAGES}`,
      );
    }
    if (header.maxMsgNums < 1) {
      return refused(
        ResponseCode.INVALID_PARAMETER,
        `maxMsgNums ${header.maxMsgNums} of a pop must be 1 to ${POP_MAX_MESSAGES}`,
      );
    }
    const invisible = checkInvisible(header.invisibleTime, maxInvisibleMs);
    if (invisible !== undefined) return invisible;
    const topic = this.admitTarget(header, group, remoteAddress, 'pop');
    if (topic instanceof RemotingCommand) return topic;
    const filter = this.filters.find(header.topic, header.exp, header.expType);
    if (typeof filter === 'string') {
      return refused(ResponseCode.SUBSCRIPTION_PARSE_FAILED, `parse the consumer's subscription failed: ${filter}`);
    }
    const { expressionType } = filter.data;
    if (!isTagType(expressionType) && !this.options.filters.enablePropertyFilter) {
      return propertyFilterRefused(expressionType);
    }
    return { topic, matches: filter.matches, matchesRecord: filter.matchesRecord };
  }

  /** The checks that all requests about pops have in common. @returns the refusal, or the topic. */
  admitTarget(
    { topic: name, queueId, consumerGroup }: PopTarget,
    group: SubscriptionGroupConfig | undefined,
    remoteAddress: string,
    what: 'pop' | 'peeking' = 'peeking',
  ): TopicConfig | RemotingCommand {
    if (!isReadable(this.options.brokerPermission())) {
      const remark = `the broker[${this.options.brokerIp}] ${what} message is forbidden`;
      return refused(ResponseCode.NO_PERMISSION, remark);
    }
    if (this.options.isSlave && what === 'pop')
      return refused(
        ResponseCode.NO_PERMISSION,
        'this broker is a slave: messages are popped from the master of its group',
      );
    const topic = this.topics.get(name);
    if (topic === undefined) {
      return refused(ResponseCode.TOPIC_NOT_EXIST, `topic[${name}] not exist, apply first please!`);
    }
    if (!isReadable(topic.perm)) {
      return refused(ResponseCode.NO_PERMISSION, `the topic[${name}] peeking message is forbidden`);
    }
    if (queueId >= topic.readQueueNums) {
      return refused(
        ResponseCode.INVALID_PARAMETER,
        `queueId[${queueId}] is illegal, topic:[${name}] topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[${remoteAddress}]`,
      );
    }
    if (group === undefined) {
      return refused(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `subscription group [${consumerGroup}] does not exist: create it, or set autoCreateSubscriptionGroup`,
      );
    }
    if (!group.consumeEnable) {
      return refused(ResponseCode.NO_PERMISSION, `subscription group no permission, ${consumerGroup}`);
    }
    return topic;
  }
}

/** @returns the refusal, or undefined. */
export function checkInvisible(invisibleMs: number, maxInvisibleMs: number): RemotingCommand | undefined {
  if (invisibleMs >= 0 && invisibleMs <= maxInvisibleMs) return undefined;
  return refused(
    ResponseCode.INVALID_PARAMETER,
    `invisibleTime ${invisibleMs} must be 0 to ${maxInvisibleMs} ms (maxPopInvisibleTime)`,
  );
}

export function refused(code: number, remark: string): RemotingCommand {
  return RemotingCommand.response(code, { remark });
}
