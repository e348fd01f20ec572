import {
  decodeTopicRouteData,
  encodeGetRouteInfoByTopicRequest,
  isReadable,
  type MessageQueue,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import type { RemotingClient } from '@rocknest/remoting';
import type { Clock } from '../clock.js';
import { MAX_CACHED_ROUTES, ROUTE_POLL_INTERVAL_MS, ROUTE_TIMEOUT_MS } from './defaults.js';

interface CachedRoute {
  readonly queues: readonly MessageQueue[] | undefined;
  readonly loadedMs: number;
}

/** Where routes are asked for. */
interface Namesrvs {
  readonly client: RemotingClient;
  readonly addresses: readonly string[];
}

/**
 * The readable queues of topics on all brokers, as the namesrvs know them; kept for 30 s.
 *
 * Does what `broker/topic/TopicRouteInfoManager.java` does.
 */
export class RouteSource {
  private readonly cache = new Map<string, CachedRoute>();
  private readonly underWay = new Map<string, Promise<readonly MessageQueue[] | undefined>>();
  private namesrvs: Namesrvs | undefined = undefined;

  constructor(private readonly clock: Clock) {}

  /** Until then no topic has a route. */
  connect(namesrvs: Namesrvs): void {
    this.namesrvs = namesrvs;
  }

  /** The topic changed here: the next question goes to a namesrv. */
  forget(topics: readonly string[]): void {
    for (const topic of topics) this.cache.delete(topic);
  }

  /** @returns undefined when no namesrv knows the topic, or none answers. */
  queuesOf(topic: string): Promise<readonly MessageQueue[] | undefined> {
    const cached = this.cache.get(topic);
    if (cached !== undefined && this.clock() - cached.loadedMs < ROUTE_POLL_INTERVAL_MS) {
      return Promise.resolve(cached.queues);
    }
    let loading = this.underWay.get(topic);
    if (loading === undefined) {
      loading = this.load(topic, cached).finally(() => this.underWay.delete(topic));
      this.underWay.set(topic, loading);
    }
    return loading;
  }

  private async load(topic: string, cached: CachedRoute | undefined): Promise<readonly MessageQueue[] | undefined> {
    const { client, addresses } = this.namesrvs ?? { client: undefined, addresses: [] };
    for (const address of addresses) {
      try {
        const fields = encodeGetRouteInfoByTopicRequest({ topic, acceptStandardJsonOnly: true });
        const request = RemotingCommand.request(RequestCode.GET_ROUTEINFO_BY_TOPIC, fields);
        const response = await client!.invoke(address, request, ROUTE_TIMEOUT_MS);
        if (response.code === ResponseCode.SUCCESS) return this.keep(topic, readableQueues(topic, response.bodyBuffer));
        if (response.code === ResponseCode.TOPIC_NOT_EXIST) {
          // Asked for again at once: it may be created any moment.
          this.cache.delete(topic);
          return undefined;
        }
      } catch {
        // The next namesrv may answer.
      }
    }
    // No namesrv answers: what was true before is the best there is.
    return cached?.queues;
  }

  private keep(topic: string, queues: readonly MessageQueue[]): readonly MessageQueue[] {
    this.cache.delete(topic);
    if (this.cache.size >= MAX_CACHED_ROUTES) this.cache.delete(this.cache.keys().next().value!);
    this.cache.set(topic, { queues, loadedMs: this.clock() });
    return queues;
  }
}

function readableQueues(topic: string, body: Buffer): MessageQueue[] {
  const queues: MessageQueue[] = [];
  for (const { brokerName, perm, readQueueNums } of decodeTopicRouteData(body).queueDatas) {
    if (!isReadable(perm)) continue;
    for (let queueId = 0; queueId < readQueueNums; queueId++) queues.push({ topic, brokerName, queueId });
  }
  return queues;
}
