import {
  buildPullSysFlag,
  decodePullMessageResponse,
  encodePullMessageRequest,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  SerializeType,
  type SubscriptionData,
} from '@rocknest/protocol';
import { BROKER_SUSPEND_MAX_TIME_MS, PULL_TIMEOUT_MS } from '../defaults.js';
import { errorText, MQBrokerError, MQClientError, MQClientErrorCode } from '../errors.js';
import { transportError } from '../instance/call.js';
import type { ApiInstance } from './consumer-api.js';
import { decodePulledMessages, type PulledMessages } from './pulled-messages.js';
import type { PullCallback, PullOutcome, PullRequest } from './pull-types.js';

export interface PullApiOptions {
  group: string;
  batchSize: number;
  batchSizeBytes: number;
  subscriptionOf(topic: string): SubscriptionData | undefined;
  /** Called with the answer's messages before the caller gets them. */
  onPulled(topic: string, pulled: PulledMessages, tookMs: number): void;
}

const STATUS: ReadonlyMap<number, PullOutcome['status']> = new Map([
  [ResponseCode.SUCCESS, 'FOUND'],
  [ResponseCode.PULL_NOT_FOUND, 'NO_NEW_MSG'],
  [ResponseCode.PULL_RETRY_IMMEDIATELY, 'NO_MATCHED_MSG'],
  [ResponseCode.PULL_OFFSET_MOVED, 'OFFSET_ILLEGAL'],
]);

function badResponse(what: string, cause: unknown): MQClientError {
  return new MQClientError(MQClientErrorCode.BAD_RESPONSE, `${what}: the answer can't be read: ${errorText(cause)}`, {
    cause,
  });
}

/** Pulls of a push consumer, with long polling (RocketMQ: `PullAPIWrapper.java`). */
export class PullApi {
  constructor(
    private readonly instance: ApiInstance,
    private readonly options: PullApiOptions,
  ) {}

  readonly pull = (request: PullRequest, callback: PullCallback): void => {
    const { queue } = request;
    const subscription = this.options.subscriptionOf(queue.topic);
    const broker = this.instance.brokers.find(queue.brokerName, request.brokerId);
    if (!broker || !subscription) {
      void this.refuse(request, callback);
      return;
    }
    // Offsets are kept by the master: a slave would not pass the commit on.
    const commitOffset = broker.slave ? 0 : request.commitOffset;
    const command = RemotingCommand.request(
      RequestCode.PULL_MESSAGE,
      encodePullMessageRequest({
        consumerGroup: this.options.group,
        topic: queue.topic,
        queueId: queue.queueId,
        queueOffset: request.queueOffset,
        maxMsgNums: this.options.batchSize,
        sysFlag: buildPullSysFlag({ commitOffset: commitOffset > 0, suspend: true, subscription: false }),
        commitOffset,
        suspendTimeoutMillis: BROKER_SUSPEND_MAX_TIME_MS,
        subscription: undefined,
        subVersion: subscription.subVersion,
        expressionType: subscription.expressionType,
        maxMsgBytes: this.options.batchSizeBytes,
      }),
    );
    if (this.instance.options.serializeType === 'ROCKETMQ') command.serializeType = SerializeType.ROCKETMQ;
    const startedMs = Date.now();
    this.instance.transport.invokeCallback(broker.address, command, PULL_TIMEOUT_MS, (error, response) => {
      const what = `pull of ${queue.topic} ${queue.brokerName} ${queue.queueId}`;
      let outcome: PullOutcome | undefined;
      let problem: Error | undefined;
      try {
        if (!response) throw transportError(what, broker.address, error);
        const status = STATUS.get(response.code);
        if (status === undefined) {
          throw new MQBrokerError(what, broker.address, response.code, response.remark, { retriable: true });
        }
        outcome = this.outcome(request, subscription, status, response, Date.now() - startedMs);
      } catch (thrown) {
        problem = thrown instanceof MQClientError ? thrown : badResponse(what, thrown);
      }
      callback(problem, outcome);
    });
  };

  private outcome(
    request: PullRequest,
    subscription: SubscriptionData,
    status: PullOutcome['status'],
    response: RemotingCommand,
    tookMs: number,
  ): PullOutcome {
    const header = decodePullMessageResponse(response);
    const { minOffset, maxOffset, nextBeginOffset } = header;
    let messages: PullOutcome['messages'] = [];
    if (status === 'FOUND') {
      const pulled = decodePulledMessages(response.bodyBuffer, {
        group: this.options.group,
        subscription,
        brokerName: request.queue.brokerName,
        minOffset,
        maxOffset,
      });
      this.options.onPulled(request.queue.topic, pulled, tookMs);
      messages = pulled.messages;
    }
    return { status, messages, nextBeginOffset, minOffset, maxOffset, suggestedBrokerId: header.suggestWhichBrokerId };
  }

  /** Nobody to ask: the route is looked up again, and the loop tries later. */
  private async refuse({ queue }: PullRequest, callback: PullCallback): Promise<void> {
    try {
      await this.instance.routes.refresh(queue.topic);
    } catch {
      // The error below says enough.
    }
    callback(
      new MQClientError(
        MQClientErrorCode.BROKER_NOT_FOUND,
        `no address of broker ${queue.brokerName} is known for topic ${queue.topic}`,
        { retriable: true },
      ),
      undefined,
    );
  }
}
