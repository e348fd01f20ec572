import {
  buildSql92SubscriptionData,
  buildSubscriptionData,
  PermName,
  ProtocolError,
  type PullMessageRequest,
  PullSysFlag,
  RemotingCommand,
  ResponseCode,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocknest/protocol';
import type { ConsumerManager } from '../clients/consumer-manager.js';
import { createSubscription, isTagType, type RecordFilter, type Subscription } from '../clients/subscription.js';
import { retryRecordFilter } from '../filter/retry-record-filter.js';
import { type FilterOptions, propertyFilterRefused } from '../filter/subscription-check.js';
import type { TopicConfigManager } from '../metadata/index.js';

export interface PullAdmissionOptions {
  /** The broker's own permission (`brokerPermission`), bits of PermName. Read at each use: it may change at run time. */
  readonly brokerPermission: () => number;
  /** Stands in remarks: the address that RocketMQ prints there (`brokerIP1`). */
  readonly brokerIp: string;
  readonly filters: FilterOptions;
}

/** A pull that may go on to the store. */
export interface AdmittedPull {
  readonly topic: TopicConfig;
  readonly group: SubscriptionGroupConfig;
  /** Tests a tags code; undefined when every message matches. */
  readonly matches: ((tagsCode: number) => boolean) | undefined;
  /** Tests a stored message; undefined when the tags code alone decides. */
  readonly matchesRecord: RecordFilter | undefined;
}

/** Why a pull is forbidden, for clients that show it (`broker/.../ForbiddenType.java`). */
const ForbiddenType = {
  BROKER_FORBIDDEN: 1,
  GROUP_FORBIDDEN: 2,
  TOPIC_FORBIDDEN: 3,
  BROADCASTING_DISABLE_FORBIDDEN: 4,
} as const;

/** Subscriptions of pulls that bring theirs along are kept ready; the cache starts anew at this size. */
const MAX_CACHED_SUBSCRIPTIONS = 10_000;
/** Longer expressions are built at each pull instead of being kept. */
const MAX_CACHED_EXPRESSION_LENGTH = 4_096;

/**
 * Checks a pull before the store is asked, in RocketMQ's order, because clients act on the first code that they meet.
 *
 * Follows `broker/processor/PullMessageProcessor.java` (`processRequest`).
 */
export class PullAdmission {
  private cached = new Map<string, Subscription>();

  constructor(
    private readonly topics: TopicConfigManager,
    private readonly consumers: ConsumerManager,
    private readonly options: PullAdmissionOptions,
  ) {}

  /** The check that comes before the group is looked up. @returns the refusal, or undefined. */
  checkBroker(): RemotingCommand | undefined {
    if ((this.options.brokerPermission() & PermName.READ) !== 0) return undefined;
    return forbidden(
      ForbiddenType.BROKER_FORBIDDEN,
      `the broker[${this.options.brokerIp}] pulling message is forbidden`,
    );
  }

  /** @param group undefined when the group does not exist and was not created. @returns the refusal, or what the store needs. */
  admit(
    header: PullMessageRequest,
    group: SubscriptionGroupConfig | undefined,
    remoteAddress: string,
  ): AdmittedPull | RemotingCommand {
    if (group === undefined) {
      return refused(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `subscription group [${header.consumerGroup}] does not exist: create it, or set autoCreateSubscriptionGroup`,
      );
    }
    if (!group.consumeEnable) {
      return forbidden(ForbiddenType.GROUP_FORBIDDEN, `subscription group no permission, ${header.consumerGroup}`);
    }
    const topic = this.topics.get(header.topic);
    if (topic === undefined) {
      return refused(ResponseCode.TOPIC_NOT_EXIST, `topic[${header.topic}] not exist, apply first please!`);
    }
    if ((topic.perm & PermName.READ) === 0) {
      return forbidden(ForbiddenType.TOPIC_FORBIDDEN, `the topic[${header.topic}] pulling message is forbidden`);
    }
    if (header.queueId < 0 || header.queueId >= topic.readQueueNums) {
      return refused(
        ResponseCode.INVALID_PARAMETER,
        `queueId[${header.queueId}] is illegal, topic:[${header.topic}] topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[${remoteAddress}]`,
      );
    }
    const subscription = this.subscriptionOf(header, group);
    if (subscription instanceof RemotingCommand) return subscription;
    if (!isTagType(subscription.data.expressionType) && !this.options.filters.enablePropertyFilter)
      return propertyFilterRefused(subscription.data.expressionType);
    const { matches, matchesRecord } = subscription;
    if (matchesRecord === undefined || !this.options.filters.filterSupportRetry)
      return { topic, group, matches, matchesRecord };
    return {
      topic,
      group,
      matches,
      matchesRecord: retryRecordFilter(topic.topicName, this.consumers) ?? matchesRecord,
    };
  }

  private subscriptionOf(header: PullMessageRequest, group: SubscriptionGroupConfig): Subscription | RemotingCommand {
    if ((header.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0) return this.subscriptionOfHeader(header);
    const members = this.consumers.get(header.consumerGroup);
    if (members === undefined) {
      return refused(
        ResponseCode.SUBSCRIPTION_NOT_EXIST,
        `the consumer's group info not exist: group ${header.consumerGroup} sent no heartbeat to this broker yet`,
      );
    }
    if (!group.consumeBroadcastEnable && members.isBroadcasting) {
      return forbidden(
        ForbiddenType.BROADCASTING_DISABLE_FORBIDDEN,
        `the consumer group[${header.consumerGroup}] can not consume by broadcast way`,
      );
    }
    const subscription = members.subscriptions.get(header.topic);
    if (subscription === undefined) {
      return refused(
        ResponseCode.SUBSCRIPTION_NOT_EXIST,
        `the consumer's subscription not exist: group ${header.consumerGroup} does not subscribe topic ${header.topic} by its last heartbeat; all members of a group must subscribe the same topics`,
      );
    }
    if (subscription.data.subVersion < header.subVersion) {
      return refused(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
    }
    // RocketMQ keeps expressions apart from subscriptions, and knows a further refusal, FILTER_DATA_NOT_LATEST, for one behind the other.
    if (subscription.problem !== undefined) {
      return refused(
        ResponseCode.FILTER_DATA_NOT_EXIST,
        `The broker's consumer filter data is not exist!Your expression may be wrong! ${subscription.problem}`,
      );
    }
    return subscription;
  }

  private subscriptionOfHeader(header: PullMessageRequest): Subscription | RemotingCommand {
    const expression = header.subscription ?? '*';
    const expressionType = isTagType(header.expressionType) ? 'TAG' : String(header.expressionType);
    const key = `${header.topic}\u0001${expressionType}\u0001${expression}`;
    const known = this.cached.get(key);
    if (known !== undefined) return known;
    const subscription = buildSubscription(header.topic, expression, expressionType);
    if (typeof subscription === 'string') {
      return refused(
        ResponseCode.SUBSCRIPTION_PARSE_FAILED,
        `parse the consumer's subscription failed: ${subscription}`,
      );
    }
    if (expression.length > MAX_CACHED_EXPRESSION_LENGTH) return subscription;
    if (this.cached.size >= MAX_CACHED_SUBSCRIPTIONS) this.cached = new Map();
    this.cached.set(key, subscription);
    return subscription;
  }
}

/** @returns what is wrong with the expression when it can't be used. */
function buildSubscription(topic: string, expression: string, expressionType: string): Subscription | string {
  if (expressionType !== 'TAG') {
    const data = { ...buildSql92SubscriptionData(topic, expression), expressionType };
    const subscription = createSubscription(data);
    return subscription.problem ?? subscription;
  }
  try {
    return createSubscription(buildSubscriptionData(topic, expression));
  } catch (error) {
    if (error instanceof ProtocolError) return error.message;
    throw error;
  }
}

function refused(code: number, remark: string): RemotingCommand {
  return RemotingCommand.response(code, { remark });
}

function forbidden(forbiddenType: number, remark: string): RemotingCommand {
  return RemotingCommand.response(ResponseCode.NO_PERMISSION, { remark, fields: { forbiddenType } });
}
