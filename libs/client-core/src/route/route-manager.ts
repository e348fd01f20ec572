import {
  AUTO_CREATE_TOPIC,
  decodeTopicRouteData,
  encodeGetRouteInfoByTopicRequest,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type MessageQueue,
  type TopicRouteData,
} from '@rocknest/protocol';
import { DEFAULT_TOPIC_QUEUE_NUMS, MAX_ROUTE_TOPICS, ROUTE_IDLE_MS, ROUTE_QUERY_CONCURRENCY } from '../defaults.js';
import { errorText, MQBrokerError, MQClientError, MQClientErrorCode } from '../errors.js';
import type { BrokerAddressTable } from '../instance/broker-address-table.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import type { NamesrvClient } from '../namesrv/namesrv-client.js';
import { forEachLimited } from '../support/concurrency.js';
import { publishQueuesOf, routeFingerprint, routeOfNewTopic, subscribeQueuesOf } from './route-queues.js';
import { TopicPublishInfo } from './topic-publish-info.js';

interface RouteEntry {
  route: TopicRouteData;
  fingerprint: string;
  publish: TopicPublishInfo;
  subscribe: readonly MessageQueue[];
}

export interface RouteManagerOptions {
  namesrv: Pick<NamesrvClient, 'invoke' | 'addresses'>;
  brokers: BrokerAddressTable;
  logger: ClientLogger;
  /** Called after the route of a topic changed (or was seen for the first time). */
  onChange?(topic: string): void;
}

/**
 * The routes of the topics in use (RocketMQ: the route part of `MQClientInstance.java`). Asks a namesrv when a topic is needed for the
 * first time, and again at every `refreshAll()`. A namesrv that doesn't answer, or forgets a topic for a while, takes no known route away.
 */
export class RouteManager {
  private readonly entries = new Map<string, RouteEntry>();
  /** Topics that consumers subscribe to, with how many of them: looked for although nobody sends to them. */
  private readonly interests = new Map<string, number>();
  private readonly queries = new Map<string, Promise<TopicRouteData | undefined>>();
  private readonly troubles = new LogLimiter();

  constructor(private readonly options: RouteManagerOptions) {}

  /** The queues to send to, as far as they are known and there are any. Costs one look-up. */
  publishInfo(topic: string): TopicPublishInfo | undefined {
    const info = this.entries.get(topic)?.publish;
    return info && info.queues.length > 0 ? info : undefined;
  }

  /** The queues to read, or undefined as long as no route is known. */
  subscribeQueues(topic: string): readonly MessageQueue[] | undefined {
    const entry = this.entries.get(topic);
    return entry && !entry.publish.fromDefaultTopic ? entry.subscribe : undefined;
  }

  route(topic: string): TopicRouteData | undefined {
    return this.entries.get(topic)?.route;
  }

  /** True when one of the known routes names this address. */
  hasAddress(address: string): boolean {
    for (const { route } of this.entries.values()) {
      for (const broker of route.brokerDatas) {
        for (const known of broker.brokerAddrs.values()) if (known === address) return true;
      }
    }
    return false;
  }

  /** A consumer needs this topic: its route is looked for until `unuse`. */
  use(topic: string): void {
    this.interests.set(topic, (this.interests.get(topic) ?? 0) + 1);
  }

  unuse(topic: string): void {
    const users = (this.interests.get(topic) ?? 0) - 1;
    if (users > 0) this.interests.set(topic, users);
    else this.interests.delete(topic);
  }

  /** Topics that are wanted and have no route of their own yet. */
  missingTopics(): string[] {
    return [...this.interests.keys()].filter((topic) => this.subscribeQueues(topic) === undefined);
  }

  /**
   * The queues to send to; asks the namesrvs when they are not known, and falls back to what brokers would create for an unknown topic.
   *
   * @throws MQClientError NO_ROUTE or NAMESRV_UNREACHABLE.
   */
  async findPublishInfo(
    topic: string,
    defaultTopic: string = AUTO_CREATE_TOPIC,
    queueNums?: number,
  ): Promise<TopicPublishInfo> {
    const known = this.publishInfo(topic);
    if (known) return known;
    await this.refresh(topic);
    let info = this.publishInfo(topic);
    if (!info && !this.entries.has(topic)) {
      await this.deriveFromDefault(topic, defaultTopic, queueNums);
      info = this.publishInfo(topic);
    }
    if (info) return info;
    const namesrvs = this.options.namesrv.addresses.join(';');
    const why = this.entries.has(topic)
      ? `no broker takes messages for topic "${topic}" (no write permission, or no master)`
      : `no route for topic "${topic}", and no broker that creates topics by itself; create it (MQAdmin.createTopic) or set autoCreateTopicEnable`;
    throw new MQClientError(MQClientErrorCode.NO_ROUTE, `${why}. Asked: ${namesrvs}`, {
      retriable: true,
      details: { topic, namesrvs },
    });
  }

  /**
   * Asks the namesrvs for the route of a topic and takes it over. Calls for one topic at the same time share one query.
   *
   * @returns false when no namesrv knows the topic; a route that was known before stays.
   * @throws MQClientError NAMESRV_UNREACHABLE, or MQBrokerError for an answer that is neither a route nor "no route".
   */
  async refresh(topic: string): Promise<boolean> {
    const route = await this.query(topic);
    if (!route) return false;
    this.put(topic, route, false);
    return true;
  }

  /** Refreshes every topic that was used of late, and forgets the others. Failures are logged, not thrown. */
  async refreshAll(nowMs = Date.now()): Promise<void> {
    for (const [topic, entry] of this.entries) {
      if (!this.interests.has(topic) && nowMs - entry.publish.lastUsedMs > ROUTE_IDLE_MS) this.entries.delete(topic);
    }
    await this.refreshEach(new Set([...this.entries.keys(), ...this.interests.keys()]));
  }

  /** A topic in use whose route names this broker. */
  topicOf(brokerName: string): string | undefined {
    for (const [topic, { route, publish }] of this.entries)
      if (!publish.fromDefaultTopic && route.brokerDatas.some((broker) => broker.brokerName === brokerName))
        return topic;
    return undefined;
  }

  /** Looks again for the topics that `missingTopics` names. */
  async refreshMissing(): Promise<void> {
    await this.refreshEach(this.missingTopics());
  }

  /** Refreshes the routes of these topics. Failures are logged, not thrown. */
  async refreshEach(topics: Iterable<string>): Promise<void> {
    await forEachLimited(topics, ROUTE_QUERY_CONCURRENCY, async (topic) => {
      try {
        const found = await this.refresh(topic);
        if (!found && this.entries.get(topic)?.publish.fromDefaultTopic) await this.deriveFromDefault(topic);
      } catch (error) {
        if (this.troubles.allows('refresh'))
          this.options.logger.warn(`route of topic ${topic} not refreshed: ${errorText(error)}`);
      }
    });
  }

  private async deriveFromDefault(
    topic: string,
    defaultTopic = AUTO_CREATE_TOPIC,
    queueNums = DEFAULT_TOPIC_QUEUE_NUMS,
  ): Promise<void> {
    const route = await this.query(defaultTopic);
    if (route && (this.entries.get(topic)?.publish.fromDefaultTopic ?? true)) {
      this.put(topic, routeOfNewTopic(route, queueNums), true);
    }
  }

  /** One query for each topic at a time. */
  private query(topic: string): Promise<TopicRouteData | undefined> {
    let query = this.queries.get(topic);
    if (!query) {
      query = this.queryNow(topic).finally(() => this.queries.delete(topic));
      this.queries.set(topic, query);
    }
    return query;
  }

  private async queryNow(topic: string): Promise<TopicRouteData | undefined> {
    const command = (): RemotingCommand =>
      RemotingCommand.request(
        RequestCode.GET_ROUTEINFO_BY_TOPIC,
        encodeGetRouteInfoByTopicRequest({ topic, acceptStandardJsonOnly: true }),
      );
    const response = await this.options.namesrv.invoke(command, (answer) => answer.code === ResponseCode.SUCCESS);
    if (response.code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
    if (response.code !== ResponseCode.SUCCESS) {
      throw new MQBrokerError(`route of topic "${topic}"`, 'namesrv', response.code, response.remark, {
        retriable: true,
      });
    }
    return decodeTopicRouteData(response.bodyBuffer);
  }

  private put(topic: string, route: TopicRouteData, fromDefaultTopic: boolean): void {
    this.options.brokers.update(route.brokerDatas);
    const before = this.entries.get(topic);
    const fingerprint = routeFingerprint(route);
    if (before && before.fingerprint === fingerprint && before.publish.fromDefaultTopic === fromDefaultTopic) return;
    if (!before && this.entries.size >= MAX_ROUTE_TOPICS) this.makeRoom();
    const publish = new TopicPublishInfo(publishQueuesOf(topic, route), fromDefaultTopic, before?.publish.nextTurn);
    this.entries.set(topic, { route, fingerprint, publish, subscribe: subscribeQueuesOf(topic, route) });
    this.options.onChange?.(topic);
  }

  /** Forgets the topic that came first of those that no consumer wants. */
  private makeRoom(): void {
    for (const topic of this.entries.keys()) {
      if (this.interests.has(topic)) continue;
      this.entries.delete(topic);
      return;
    }
  }
}
