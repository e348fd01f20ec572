import {
  AllocateMessageQueueAveragely,
  AllocateMessageQueueAveragelyByCircle,
  type AllocateMessageQueueStrategy,
} from '@rocknest/client-core';
import {
  compareMessageQueues,
  isRetryTopic,
  type MessageQueue,
  type MessageQueueAssignment,
  type MessageRequestMode,
  type QueryAssignmentRequestBody,
} from '@rocknest/protocol';
import type { ConsumerManager } from '../clients/consumer-manager.js';
import type { MessageRequestModeManager } from '../metadata/index.js';
import type { RouteSource } from './route-source.js';

export interface QueueAssignerOptions {
  /** Off: every member gets all queues and shares them out itself. */
  readonly serverLoadBalancerEnable: boolean;
  readonly defaultMode: MessageRequestMode;
  readonly defaultPopShareQueueNum: number;
}

const STRATEGIES: ReadonlyMap<string, AllocateMessageQueueStrategy> = new Map(
  [new AllocateMessageQueueAveragely(), new AllocateMessageQueueAveragelyByCircle()].map((strategy) => [
    strategy.name,
    strategy,
  ]),
);

/**
 * Shares the queues of a topic out among the members of a group, for clients that leave that to the broker.
 *
 * Follows `broker/processor/QueryAssignmentProcessor.java`.
 */
export class QueueAssigner {
  constructor(
    private readonly consumers: ConsumerManager,
    private readonly modes: MessageRequestModeManager,
    private readonly routes: RouteSource,
    private readonly options: QueueAssignerOptions,
  ) {}

  /** @returns undefined when nothing can be said (no route, no members, unknown strategy): the member keeps what it has. */
  async assign(query: QueryAssignmentRequestBody): Promise<readonly MessageQueueAssignment[] | undefined> {
    const { mode, popShareQueueNum } = this.modeOf(query.topic, query.consumerGroup);
    const queues = await this.routes.queuesOf(query.topic);
    if (queues === undefined) return undefined;
    const shares = this.share(query, queues, mode, popShareQueueNum);
    return shares?.map((messageQueue) => ({ messageQueue, mode }));
  }

  private modeOf(topic: string, group: string): { mode: MessageRequestMode; popShareQueueNum: number } {
    const set = this.modes.get(topic, group);
    if (set !== undefined) return set;
    const mode = isRetryTopic(topic) ? 'PULL' : this.options.defaultMode;
    return { mode, popShareQueueNum: this.options.defaultPopShareQueueNum };
  }

  private share(
    query: QueryAssignmentRequestBody,
    queues: readonly MessageQueue[],
    mode: MessageRequestMode,
    popShareQueueNum: number,
  ): readonly MessageQueue[] | undefined {
    if (query.messageModel === 'BROADCASTING' || !this.options.serverLoadBalancerEnable) return queues;
    const members = this.consumers.get(query.consumerGroup)?.clientIds();
    const strategy = STRATEGIES.get(query.strategyName);
    if (members === undefined || strategy === undefined || queues.length === 0) return undefined;
    const clientIds = [...members].sort();
    const sorted = [...queues].sort(compareMessageQueues);
    const { consumerGroup, clientId } = query;
    if (mode === 'PULL') return strategy.allocate(consumerGroup, clientId, sorted, clientIds);
    return sharePop(strategy, consumerGroup, clientId, sorted, clientIds, popShareQueueNum);
  }
}

/** Members that pop may share queues: with those of the next `popShareQueueNum` members, or with all. */
function sharePop(
  strategy: AllocateMessageQueueStrategy,
  group: string,
  clientId: string,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
  popShareQueueNum: number,
): readonly MessageQueue[] {
  if (popShareQueueNum <= 0 || popShareQueueNum >= clientIds.length - 1) {
    const brokers = [...new Set(queues.map(({ brokerName }) => brokerName))];
    return brokers.map((brokerName) => ({ topic: queues[0].topic, brokerName, queueId: -1 }));
  }
  const index = clientIds.indexOf(clientId);
  if (index < 0) return [];
  // More members than queues: each gets one, whoever else has it.
  if (clientIds.length > queues.length) return [queues[index % queues.length]];
  const shared: MessageQueue[] = [];
  for (let next = 0; next <= popShareQueueNum; next++) {
    const member = clientIds[(index + next) % clientIds.length];
    shared.push(...strategy.allocate(group, member, queues, clientIds));
  }
  return shared;
}
