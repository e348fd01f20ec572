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
import { RemotingTooMuchRequestError } from '@rocknest/remoting';
import { errorText, MQBrokerError, MQClientError, MQClientErrorCode } from '../../errors.js';
import type { FoundBroker } from '../../instance/broker-address-table.js';
import type { WaitingPull } from '../../instance/broker-pulse.js';
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
 * callback is called once, never inside of the call. A broker that does not answer, while another one of its group does, is left for that one within the
 * time of the pull (`BrokerPulse`).
 *
 * @param onPulled called with the answer's messages before the callback.
 */
export function pullKernel(
  instance: ApiInstance,
  spec: PullSpec,
  callback: PullCallback,
  onPulled: (pulled: PulledMessages) => void = () => undefined,
): void {
  new KernelPull(instance, spec, callback, onPulled).send();
}

class KernelPull implements WaitingPull {
  private readonly startMs = performance.now();
  /** Which request is the one that counts: answers to others are ignored. */
  private current = 0;

  constructor(
    private readonly instance: ApiInstance,
    private readonly spec: PullSpec,
    private readonly callback: PullCallback,
    private readonly onPulled: (pulled: PulledMessages) => void,
  ) {}

  get queue(): MessageQueue {
    return this.spec.queue;
  }

  send(): void {
    const { instance, spec } = this;
    const broker = instance.pulse.readFrom(spec.queue.brokerName, spec.brokerId);
    if (broker) this.sendTo(broker, spec);
    else void refuse(instance, spec.queue, this.callback);
  }

  /** To another broker, in the time that is left. */
  move(): void {
    const { instance, spec } = this;
    const broker = instance.pulse.readFrom(spec.queue.brokerName, spec.brokerId);
    const timeoutMs = this.leftMs;
    // The hold must end before the pull is given up.
    const suspendTimeoutMs = Math.min(spec.suspendTimeoutMs, Math.floor((timeoutMs * 2) / 3));
    if (broker && timeoutMs > 0) this.sendTo(broker, { ...spec, timeoutMs, suspendTimeoutMs });
  }

  private get leftMs(): number {
    return Math.floor(this.spec.timeoutMs - (performance.now() - this.startMs));
  }

  private sendTo(broker: FoundBroker, spec: PullSpec): void {
    const { instance } = this;
    const { address } = broker;
    const request = ++this.current;
    const command = requestOf(spec, broker.slave, instance.options.serializeType === 'ROCKETMQ');
    instance.pulse.began(address, this);
    instance.transport.invokeCallback(address, command, spec.timeoutMs, (error, response) => {
      instance.pulse.ended(address, this, response !== undefined);
      if (request === this.current) this.answered(broker, error, response);
    });
  }

  private answered(broker: FoundBroker, error: Error | undefined, response: RemotingCommand | undefined): void {
    const { instance, spec, callback } = this;
    const { address } = broker;
    const what = `pull of ${spec.queue.topic} ${spec.queue.brokerName} ${spec.queue.queueId}`;
    let outcome: PullOutcome | undefined;
    let problem: Error | undefined;
    try {
      if (!response) {
        instance.brokerDoubted(address);
        if (!(error instanceof RemotingTooMuchRequestError)) instance.pulse.lost(address);
        if (this.goesElsewhere(address)) return;
        throw transportError(what, address, error);
      }
      const status = STATUS.get(response.code);
      if (status === undefined) {
        if (this.isRefusedBy(broker, response.code) && this.goesElsewhere(address)) return;
        throw new MQBrokerError(what, address, response.code, response.remark, { retriable: true });
      }
      outcome = outcomeOf(spec, status, response, this.onPulled);
      const isStill = status === 'NO_MATCHED_MSG' && outcome.nextBeginOffset <= spec.queueOffset;
      if (isStill && this.isRefusedBy(broker, response.code) && this.goesElsewhere(address)) return;
    } catch (thrown) {
      problem = thrown instanceof MQClientError ? thrown : badResponse(what, thrown);
    }
    callback(problem, outcome);
  }

  /** A stand-in for the broker that was wanted does not serve reads (yet). */
  private isRefusedBy(broker: FoundBroker, code: number): boolean {
    const asksForHeartbeat =
      code === ResponseCode.SUBSCRIPTION_NOT_EXIST || code === ResponseCode.SUBSCRIPTION_NOT_LATEST;
    if (broker.brokerId === this.spec.brokerId || asksForHeartbeat) return false;
    this.instance.pulse.passOver(broker.address);
    return true;
  }

  private goesElsewhere(address: string): boolean {
    const { instance, spec } = this;
    const next = instance.pulse.readFrom(spec.queue.brokerName, spec.brokerId);
    if (next === undefined || next.address === address || !instance.pulse.isFit(next.address)) return false;
    if (this.leftMs <= 0) return false;
    this.move();
    return true;
  }
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
