import type { SubscriptionData } from '@rocknest/protocol';
import { BROKER_SUSPEND_MAX_TIME_MS, PULL_TIMEOUT_MS } from '../defaults.js';
import type { ApiInstance } from './consumer-api.js';
import { pullKernel, type PullSpec } from './pull/pull-kernel.js';
import type { PulledMessages } from './pulled-messages.js';
import { MQClientError, MQClientErrorCode } from '../errors.js';
import type { PullCallback, PullRequest } from './pull-types.js';

export interface PullApiOptions {
  group: string;
  batchSize: number;
  batchSizeBytes: number;
  /** PUSH unless it is said. */
  kind?: PullSpec['kind'];
  suspendTimeoutMs?: number;
  /** Asked in place of the broker that the answers suggest. */
  brokerId?: number | undefined;
  subscriptionOf(topic: string): SubscriptionData | undefined;
  /** Called with the answer's messages before the caller gets them. */
  onPulled(topic: string, pulled: PulledMessages, tookMs: number): void;
}

/** The pulls of a consumer that follows its queues, with long polling (RocketMQ: `PullAPIWrapper.java`). */
export class PullApi {
  constructor(
    private readonly instance: ApiInstance,
    private readonly options: PullApiOptions,
  ) {}

  readonly pull = (request: PullRequest, callback: PullCallback): void => {
    const { queue, queueOffset, commitOffset } = request;
    const { group, batchSize, batchSizeBytes, kind = 'PUSH' } = this.options;
    const subscription = this.options.subscriptionOf(queue.topic);
    if (!subscription) {
      queueMicrotask(() => callback(notSubscribed(queue.topic), undefined));
      return;
    }
    const startedMs = Date.now();
    pullKernel(
      this.instance,
      {
        group,
        queue,
        queueOffset,
        maxMessages: batchSize,
        maxBytes: batchSizeBytes,
        commitOffset,
        subscription,
        kind,
        suspendTimeoutMs: this.options.suspendTimeoutMs ?? BROKER_SUSPEND_MAX_TIME_MS,
        timeoutMs: PULL_TIMEOUT_MS,
        brokerId: this.options.brokerId ?? request.brokerId,
      },
      callback,
      (pulled) => this.options.onPulled(queue.topic, pulled, Date.now() - startedMs),
    );
  };
}

function notSubscribed(topic: string): MQClientError {
  return new MQClientError(MQClientErrorCode.QUEUE_NOT_ASSIGNED, `topic ${topic} is not subscribed to any more`);
}
