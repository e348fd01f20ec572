import {
  buildPullSysFlag,
  decodePullMessageResponse,
  encodePullMessageRequest,
  ExpressionType,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  SerializeType,
  type MessageQueue,
  type SubscriptionData,
} from '@rocknest/protocol';
import { errorText, MQBrokerError, MQClientError, MQClientErrorCode } from '../../errors.js';
import { transportError } from '../../instance/call.js';
import type { ApiInstance } from '../consumer-api.js';
import { decodePulledMessages, type PulledMessages } from '../pulled-messages.js';
import type { PullCallback, PullOutcome } from '../pull-types.js';

/** One pull, of whatever consumer. */
export interface PullSpec {
  group: string;
  queue: MessageQueue;
  queueOffset: number;
  maxMessages: number;
  /** Body bytes, 5.x brokers. */
  maxBytes: number;
  /** Committed along with the pull when above 0; left out for a slave. */
  commitOffset: number;
  subscription: SubscriptionData;
  /**
   * PUSH: the broker filters by the group's last heartbeat. PULL and LITE_PULL: the subscription travels along; a LITE_PULL has a request code of its own,
   * which brokers serve with threads of their own.
   */
  kind: 'PUSH' | 'PULL' | 'LITE_PULL';
  /** ms for which the broker may hold the pull when there is nothing; 0 asks for an answer at once. */
  suspendTimeoutMs: number;
  /** ms until the pull is given up; more than the hold. */
  timeoutMs: number;
  /** Broker of the queue's broker group that is asked; 0 is the master. */
  brokerId: number;
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

function requestOf(spec: PullSpec, slave: boolean, compact: boolean): RemotingCommand {
  const { queue, subscription, kind } = spec;
  // Offsets are kept by the master: a slave would not pass the commit on.
  const commitOffset = slave ? 0 : spec.commitOffset;
  const inHeader = kind !== 'PUSH';
  const command = RemotingCommand.request(
    kind === 'LITE_PULL' ? RequestCode.LITE_PULL_MESSAGE : RequestCode.PULL_MESSAGE,
    encodePullMessageRequest({
      consumerGroup: spec.group,
      topic: queue.topic,
      queueId: queue.queueId,
      queueOffset: spec.queueOffset,
      maxMsgNums: spec.maxMessages,
      sysFlag: buildPullSysFlag({
        commitOffset: commitOffset > 0,
        suspend: spec.suspendTimeoutMs > 0,
        subscription: inHeader,
        litePull: kind === 'LITE_PULL',
      }),
      commitOffset,
      suspendTimeoutMillis: spec.suspendTimeoutMs,
      subscription: inHeader ? subscription.subString : undefined,
      // The broker compares it with the heartbeat's unless the subscription comes with the pull.
      subVersion: inHeader && subscription.expressionType === ExpressionType.TAG ? 0 : subscription.subVersion,
      expressionType: subscription.expressionType,
      maxMsgBytes: spec.maxBytes,
    }),
  );
  if (compact) command.serializeType = SerializeType.ROCKETMQ;
  return command;
}

function outcomeOf(
  spec: PullSpec,
  status: PullOutcome['status'],
  response: RemotingCommand,
  onPulled: (pulled: PulledMessages) => void,
): PullOutcome {
  const { minOffset, maxOffset, nextBeginOffset, suggestWhichBrokerId } = decodePullMessageResponse(response);
  let messages: PullOutcome['messages'] = [];
  if (status === 'FOUND') {
    const pulled = decodePulledMessages(response.bodyBuffer, {
      group: spec.group,
      subscription: spec.subscription,
      brokerName: spec.queue.brokerName,
      minOffset,
      maxOffset,
    });
    onPulled(pulled);
    messages = pulled.messages;
  }
  return { status, messages, nextBeginOffset, minOffset, maxOffset, suggestedBrokerId: suggestWhichBrokerId };
}

/**
 * Sends one pull to the broker of its id, to that slave's neighbour, or to any of the broker group (RocketMQ: `PullAPIWrapper.pullKernelImpl`). The
 * callback is called once, never inside of the call.
 *
 * @param onPulled called with the answer's messages before the callback.
 */
export function pullKernel(
  instance: ApiInstance,
  spec: PullSpec,
  callback: PullCallback,
  onPulled: (pulled: PulledMessages) => void = () => undefined,
): void {
  const { queue } = spec;
  const broker = instance.brokers.find(queue.brokerName, spec.brokerId);
  if (!broker) {
    void refuse(instance, queue, callback);
    return;
  }
  const command = requestOf(spec, broker.slave, instance.options.serializeType === 'ROCKETMQ');
  instance.transport.invokeCallback(broker.address, command, spec.timeoutMs, (error, response) => {
    const what = `pull of ${queue.topic} ${queue.brokerName} ${queue.queueId}`;
    let outcome: PullOutcome | undefined;
    let problem: Error | undefined;
    try {
      if (!response) {
        instance.brokerDoubted(broker.address);
        throw transportError(what, broker.address, error);
      }
      const status = STATUS.get(response.code);
      if (status === undefined) {
        throw new MQBrokerError(what, broker.address, response.code, response.remark, { retriable: true });
      }
      outcome = outcomeOf(spec, status, response, onPulled);
    } catch (thrown) {
      problem = thrown instanceof MQClientError ? thrown : badResponse(what, thrown);
    }
    callback(problem, outcome);
  });
}

/** Nobody to ask: the route is looked up again, and the caller tries later. */
async function refuse(instance: ApiInstance, queue: MessageQueue, callback: PullCallback): Promise<void> {
  try {
    await instance.routes.refresh(queue.topic);
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
