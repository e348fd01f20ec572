import {
  decodeHARuntimeInfo,
  decodeKVTable,
  RequestCode,
  type ClusterInfo,
  type ConsumeMessageDirectlyResult,
  type ConsumerConnection,
  type ConsumerRunningInfo,
  type HARuntimeInfo,
  type MessageExt,
  type MessageQueue,
  type QueueTimeSpan,
  type SubscriptionGroupConfig,
  type TopicConfig,
  type TopicRouteData,
} from '@rocknest/protocol';
import { ConsumerApi } from '../consumer/consumer-api.js';
import { POP_SHARE_QUEUE_NUM } from '../defaults.js';
import { MQClientError, MQClientErrorCode } from '../errors.js';
import { clientInstances, type ClientInstanceRegistry } from '../instance/client-instance-registry.js';
import type { ClientInstance } from '../instance/client-instance.js';
import { resolveClientOptions, type ClientOptions, type ResolvedClientOptions } from '../options.js';
import { MessageLookup, type QueryMessageOptions, type QueryResult } from '../query/message-lookup.js';
import { traceOf, type TraceEntry, type TraceQueryOptions } from '../query/trace-lookup.js';
import { integerOption } from '../support/check.js';
import { clientNames, type ClientNames } from '../support/namespace.js';
import { AdminContext, type AdminTarget } from './admin-context.js';
import { GroupAdmin, type ConsumeProgress } from './group-admin.js';
import { OffsetAdmin, type RollbackStats } from './offset-admin.js';
import { messagesOutside, offsetsOutside, queuesOutside, timeSpansOutside } from './names-outside.js';
import { propertiesOf, propertiesText } from './properties-text.js';
import { TopicAdmin, type QueueStats, type TopicOptions } from './topic-admin.js';

/** ms for one administrative request (`DefaultMQAdminExt`: 5,000). */
const ADMIN_TIMEOUT_MS = 5_000;

export interface MQAdminOptions extends ClientOptions {
  /** ms for one request: 5,000. */
  timeoutMs?: number;
}

interface Parts {
  instance: ClientInstance;
  context: AdminContext;
  topics: TopicAdmin;
  groups: GroupAdmin;
  offsets: OffsetAdmin;
  api: ConsumerApi;
  lookup: MessageLookup;
}

/**
 * Topics, groups, offsets and messages, as far as a program needs them (RocketMQ: `MQAdmin.java`, `DefaultMQAdminExt.java`). Targets
 * default to the masters of all clusters. Every method rejects with NOT_STARTED before `start()`, with MQBrokerError for what a broker refuses.
 *
 * With `namespace` all topics and groups are those of the namespace, by the names that its applications use; `createTopic('orders')` makes `shop%orders`.
 */
export class MQAdmin {
  private readonly options: ResolvedClientOptions;
  private readonly timeoutMs: number;
  private readonly names: ClientNames;
  private parts: Parts | undefined = undefined;
  private starting: Promise<void> | undefined = undefined;

  /** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
  constructor(
    options: MQAdminOptions = {},
    private readonly registry: ClientInstanceRegistry = clientInstances,
  ) {
    this.options = resolveClientOptions(options);
    this.names = clientNames(this.options.namespace);
    this.timeoutMs = integerOption('timeoutMs', options.timeoutMs, ADMIN_TIMEOUT_MS);
  }

  /** @throws MQClientError NAMESRV_UNREACHABLE; a later call tries anew. */
  start(): Promise<void> {
    this.starting ??= this.startNow().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  /** Gives the connections back. May be started again. */
  async shutdown(): Promise<void> {
    await this.starting?.catch(() => {});
    const { parts } = this;
    this.parts = undefined;
    this.starting = undefined;
    if (parts) await this.registry.release(parts.instance, {});
  }

  /** Creates a topic, or changes it when it exists. Default: 8 queues on each broker, read and write. */
  async createTopic(topic: string, options: TopicOptions = {}, target: AdminTarget = 'all'): Promise<void> {
    await this.running.topics.createOrUpdate(this.names.wrap(topic), options, target);
  }

  /** The same request under the name that says so. */
  async updateTopic(topic: string, options: TopicOptions, target: AdminTarget = 'all'): Promise<void> {
    await this.running.topics.createOrUpdate(this.names.wrap(topic), options, target);
  }

  async deleteTopic(topic: string, target: AdminTarget = 'all'): Promise<void> {
    await this.running.topics.delete(this.names.wrap(topic), target);
  }

  /** With a namespace, the topics in it. */
  async fetchAllTopicList(): Promise<string[]> {
    const topics = await this.running.topics.list();
    return topics.filter((known) => this.names.holds(known)).map((known) => this.names.without(known));
  }

  async examineTopicConfig(address: string, topic: string): Promise<TopicConfig> {
    const config = await this.running.topics.config(address, this.names.wrap(topic));
    return { ...config, topicName: this.names.without(config.topicName) };
  }

  async examineTopicStats(topic: string): Promise<QueueStats[]> {
    return queuesOutside(this.names, await this.running.topics.stats(this.names.wrap(topic)));
  }

  /** @throws MQClientError NO_ROUTE. */
  async examineTopicRoute(topic: string): Promise<TopicRouteData> {
    return this.running.context.topicRoute(this.names.wrap(topic));
  }

  async createSubscriptionGroup(
    group: string,
    config: Partial<SubscriptionGroupConfig> = {},
    target: AdminTarget = 'all',
  ): Promise<void> {
    await this.running.groups.createOrUpdate(this.names.wrap(group), config, target);
  }

  /**
   * How the members of a group get a topic's messages from now on: by pulls, or by pops (5.0 brokers and later). Members with `mode: 'pop'`, and
   * Java consumers with `clientRebalance` off, follow within a rebalance; others go on pulling.
   *
   * @param options popShareQueueNum with POP: members whose queues each member pops beside its own; up to 0 (default -1) all queues.
   */
  async setMessageRequestMode(
    topic: string,
    group: string,
    mode: 'PULL' | 'POP',
    options: { popShareQueueNum?: number } = {},
  ): Promise<void> {
    const { popShareQueueNum = POP_SHARE_QUEUE_NUM } = options;
    await this.running.groups.setRequestMode(this.names.wrap(group), this.names.wrap(topic), mode, popShareQueueNum);
  }

  async deleteSubscriptionGroup(group: string, cleanOffset = false, target: AdminTarget = 'all'): Promise<void> {
    await this.running.groups.delete(this.names.wrap(group), cleanOffset, target);
  }

  async examineSubscriptionGroupConfig(address: string, group: string): Promise<SubscriptionGroupConfig> {
    const config = await this.running.groups.config(address, this.names.wrap(group));
    return { ...config, groupName: this.names.without(config.groupName) };
  }

  async examineConsumeStats(group: string, topic?: string): Promise<ConsumeProgress[]> {
    return queuesOutside(
      this.names,
      await this.running.groups.stats(this.names.wrap(group), topic && this.names.wrap(topic)),
    );
  }

  /** Undefined when no member is online. Topics stand as brokers know them, with their namespace. */
  async examineConsumerConnection(group: string): Promise<ConsumerConnection | undefined> {
    return this.running.groups.connections(this.names.wrap(group));
  }

  /** What one member holds and does, by its own word, names with their namespace. @param jstack also what its process is busy with. */
  async getConsumerRunningInfo(group: string, clientId: string, jstack = false): Promise<ConsumerRunningInfo> {
    return this.running.groups.runningInfo(this.names.wrap(group), clientId, jstack);
  }

  /** Where members are in the queues of a topic, by their own word: client id -> offsets. Of one member when `clientId` is given. */
  async getConsumeStatus(
    topic: string,
    group: string,
    clientId?: string,
  ): Promise<Map<string, [queue: MessageQueue, offset: number][]>> {
    const { names } = this;
    const status = await this.running.offsets.consumeStatus(names.wrap(group), names.wrap(topic), clientId);
    return new Map([...status].map(([member, table]) => [member, offsetsOutside(this.names, table)]));
  }

  /**
   * One member's listener handles one stored message, outside of queues and offsets: nothing is committed or sent back.
   *
   * @param msgId either of the message's ids.
   * @returns what came of it: CR_SUCCESS, CR_LATER, CR_THROW_EXCEPTION, ...
   * @throws MQClientError NO_MESSAGE.
   */
  async consumeMessageDirectly(
    group: string,
    clientId: string,
    topic: string,
    msgId: string,
  ): Promise<ConsumeMessageDirectlyResult> {
    const { lookup, groups } = this.running;
    const message = await lookup.viewMessage(this.names.wrap(topic), msgId);
    return groups.consumeDirectly(this.names.wrap(group), clientId, message.topic, message.offsetMsgId);
  }

  /**
   * Moves the offsets of a group in a topic to a time; -1 means the end of the queues. Brokers that reset on their own side (Rocknest, RocketMQ from 5.2)
   * do it for groups that are online or not; others only for those that are online, and without `isForce` only backwards.
   *
   * @returns the new offsets.
   */
  async resetOffsetByTimestamp(
    group: string,
    topic: string,
    timestampMs: number,
    isForce = true,
  ): Promise<[MessageQueue, number][]> {
    const { names } = this;
    return offsetsOutside(
      this.names,
      await this.running.offsets.resetByTimestamp(names.wrap(group), names.wrap(topic), timestampMs, isForce),
    );
  }

  /** The same by looking up and writing each offset, which every broker knows: for groups that are offline. */
  async resetOffsetByTimestampOld(
    group: string,
    topic: string,
    timestampMs: number,
    isForce = true,
  ): Promise<RollbackStats[]> {
    const { names } = this;
    return queuesOutside(
      this.names,
      await this.running.offsets.resetByTimestampOld(names.wrap(group), names.wrap(topic), timestampMs, isForce),
    );
  }

  /** Moves a group that is online or not, on every version of the broker. */
  async resetOffsetNew(group: string, topic: string, timestampMs: number): Promise<void> {
    await this.running.offsets.reset(this.names.wrap(group), this.names.wrap(topic), timestampMs);
  }

  /** Moves a group in one queue to an offset. Needs a broker that resets on its own side. */
  async resetOffsetByQueueId(group: string, queue: MessageQueue, offset: number): Promise<void> {
    await this.running.offsets.resetQueue(this.names.wrap(group), this.names.inside(queue), offset);
  }

  /** Gives a group the offsets that another one has in a topic. */
  async cloneGroupOffset(srcGroup: string, destGroup: string, topic: string, isOffline = true): Promise<void> {
    const { names } = this;
    await this.running.offsets.clone(names.wrap(srcGroup), names.wrap(destGroup), names.wrap(topic), isOffline);
  }

  /** From when the messages of each queue are, up to when the group has consumed them, and how long the next one waits. */
  async queryConsumeTimeSpan(topic: string, group: string): Promise<QueueTimeSpan[]> {
    const { names } = this;
    const spans = await this.running.offsets.timeSpans(names.wrap(group), names.wrap(topic));
    return timeSpansOutside(names, spans);
  }

  /** The settings of a broker. */
  async getBrokerConfig(address: string): Promise<Record<string, string>> {
    const response = await this.running.context.request(address, RequestCode.GET_BROKER_CONFIG, {}, 'broker config');
    return propertiesOf(response.bodyBuffer.toString('utf8'));
  }

  /** Changes settings of a running broker. Rocknest refuses what it does not know or reads at its start only; RocketMQ passes over it. */
  async updateBrokerConfig(
    address: string,
    properties: Readonly<Record<string, string | number | boolean>>,
  ): Promise<void> {
    const body = Buffer.from(propertiesText(properties), 'utf8');
    await this.running.context.request(address, RequestCode.UPDATE_BROKER_CONFIG, {}, 'change of broker config', body);
  }

  async examineBrokerClusterInfo(): Promise<ClusterInfo> {
    return this.running.context.clusterInfo();
  }

  /** The broker's own figures, as text. */
  async fetchBrokerRuntimeStats(address: string): Promise<Readonly<Record<string, string>>> {
    const response = await this.running.context.request(
      address,
      RequestCode.GET_BROKER_RUNTIME_INFO,
      {},
      'runtime info',
    );
    return decodeKVTable(response.bodyBuffer).table;
  }

  /** How a broker's replication stands: of a master its slaves and how far each is, of a slave its line to the master (`mqadmin haStatus`). */
  async getBrokerHAStatus(address: string): Promise<HARuntimeInfo> {
    const response = await this.running.context.request(address, RequestCode.GET_BROKER_HA_STATUS, {}, 'HA status');
    return decodeHARuntimeInfo(response.bodyBuffer);
  }

  /** The offset that the next message of the queue gets. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    return this.running.lookup.maxOffset(this.names.inside(queue));
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    return this.running.lookup.minOffset(this.names.inside(queue));
  }

  /** The first (LOWER) or last (UPPER) offset of the queue at a time. */
  async searchOffset(queue: MessageQueue, timestampMs: number, boundary: 'LOWER' | 'UPPER' = 'LOWER'): Promise<number> {
    return this.running.lookup.searchOffset(this.names.inside(queue), timestampMs, boundary);
  }

  /** ms since 1970 at which the oldest message of the queue was stored, -1 when it is empty. */
  async earliestMsgStoreTime(queue: MessageQueue): Promise<number> {
    return this.running.lookup.earliestMsgStoreTime(this.names.inside(queue));
  }

  /** The offset that a group has committed. Rejects with an MQBrokerError of code QUERY_NOT_FOUND when there is none. */
  async consumerOffset(group: string, queue: MessageQueue): Promise<number> {
    return this.running.api.queryConsumerOffset(this.names.wrap(group), this.names.inside(queue));
  }

  async updateConsumerOffset(group: string, queue: MessageQueue, offset: number): Promise<void> {
    await this.running.api.updateConsumerOffset(this.names.wrap(group), this.names.inside(queue), offset);
  }

  /** Messages that have the key among their KEYS, from all brokers of the topic. */
  async queryMessage(topic: string, key: string, options?: QueryMessageOptions): Promise<QueryResult> {
    return messagesOutside(this.names, await this.running.lookup.queryMessage(this.names.wrap(topic), key, options));
  }

  /** Messages whose TAGS are that text, from the topic's brokers of version 5.4.0 on (mqadmin: `queryMsgByKey -p T`). */
  async queryMessageByTags(topic: string, tags: string, options?: QueryMessageOptions): Promise<QueryResult> {
    const known = this.names.wrap(topic);
    return messagesOutside(this.names, await this.running.lookup.queryMessageByTags(known, tags, options));
  }

  /**
   * What producers and consumers with `enableMsgTrace`, of whatever language, have written of a message (mqadmin: `queryMsgTraceById`), by time.
   *
   * @param msgId the unique id; of a batch that of one message, or all of them joined by commas.
   * @returns an empty list when nothing was traced, or has not arrived yet.
   */
  async traceOf(msgId: string, options: TraceQueryOptions = {}): Promise<TraceEntry[]> {
    return traceOf(this.running.lookup, msgId, options);
  }

  /** Messages with that unique id (`msgId`), searched from the time on that the id tells. */
  async queryMessageByUniqKey(topic: string, uniqKey: string, options?: QueryMessageOptions): Promise<QueryResult> {
    const known = this.names.wrap(topic);
    return messagesOutside(this.names, await this.running.lookup.queryMessageByUniqKey(known, uniqKey, options));
  }

  /** A stored message by its `offsetMsgId`, which names the broker and the place. */
  viewMessage(offsetMsgId: string): Promise<MessageExt>;
  /**
   * A message of a topic by either of its ids.
   *
   * @throws MQClientError NO_MESSAGE.
   */
  viewMessage(topic: string, msgId: string): Promise<MessageExt>;
  async viewMessage(topicOrId: string, msgId?: string): Promise<MessageExt> {
    const { lookup } = this.running;
    return this.names.outside(
      msgId === undefined
        ? await lookup.viewMessageByOffsetId(topicOrId)
        : await lookup.viewMessage(this.names.wrap(topicOrId), msgId),
    );
  }

  private get running(): Parts {
    if (this.parts) return this.parts;
    throw new MQClientError(MQClientErrorCode.NOT_STARTED, 'MQAdmin is not started; await start() first');
  }

  private async startNow(): Promise<void> {
    const instance = this.registry.acquire(this.options, {});
    try {
      await instance.start();
    } catch (error) {
      await this.registry.release(instance, {});
      throw error;
    }
    const context = new AdminContext(instance, this.timeoutMs);
    const api = new ConsumerApi(instance);
    this.parts = {
      instance,
      context,
      topics: new TopicAdmin(context),
      groups: new GroupAdmin(context),
      offsets: new OffsetAdmin(context, api),
      api,
      lookup: new MessageLookup(instance, this.timeoutMs),
    };
  }
}
