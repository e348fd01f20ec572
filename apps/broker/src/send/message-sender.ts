import {
  decodeSendMessageRequest,
  MessageSysFlag,
  type RemotingCommand,
  type SendMessageRequest,
  tagsCodeOf,
} from '@rocknest/protocol';
import { type Connection, DEFERRED } from '@rocknest/remoting';
import type { MessageStore } from '@rocknest/store';
import type { BatchSender } from './batch-sender.js';
import type { Destination, MessageRules } from './message-rules.js';
import type { PropertyCompleter } from './property-completer.js';
import { emptyPropertyFacts, scanProperties } from './property-facts.js';
import type { PutGate, PutTarget } from './put-gate.js';
import { chooseQueueId } from './queue-choice.js';
import type { RetryGate } from './retry-gate.js';
import type { SendReplies } from './send-replies.js';
import type { UsualSender } from './usual-sender.js';
import type { TimerRules } from '../timer/timer-rules.js';

/**
 * Takes a message from its frame to the store. The usual message costs no promise: its topic is known, and the store calls back.
 *
 * Follows `broker/processor/SendMessageProcessor.java`.
 */
export class MessageSender {
  /** Reused for each message: it is read before the next one comes. */
  private readonly facts = emptyPropertyFacts();

  constructor(
    private readonly store: MessageStore,
    private readonly gate: PutGate,
    private readonly retries: RetryGate,
    private readonly rules: MessageRules,
    private readonly timers: TimerRules,
    private readonly properties: PropertyCompleter,
    private readonly replies: SendReplies,
    private readonly batches: BatchSender,
    private readonly usual: UsualSender,
  ) {}

  /** Handles a SEND_MESSAGE or SEND_MESSAGE_V2. */
  send(request: RemotingCommand, connection: Connection): typeof DEFERRED | Promise<typeof DEFERRED> {
    if (this.usual.send(request, connection)) return DEFERRED;
    const header = decodeSendMessageRequest(request);
    if (header.batch) return this.batches.send(request, header, connection);
    this.rules.checkSizes(request.bodyBuffer.length, header.properties.length);
    const target = this.gate.admitted(header);
    if (target === undefined || target.retryGroup !== undefined) request.detach();
    if (target === undefined) return this.admitAndSend(request, header, connection);
    if (target.retryGroup !== undefined) return this.sendRetry(request, header, connection, target);
    this.put(request, header, connection, target, undefined);
    return DEFERRED;
  }

  private async admitAndSend(
    request: RemotingCommand,
    header: SendMessageRequest,
    connection: Connection,
  ): Promise<typeof DEFERRED> {
    const target = await this.gate.admit(header, connection.remoteAddress);
    if (target.retryGroup !== undefined) return this.sendRetry(request, header, connection, target);
    this.put(request, header, connection, target, undefined);
    return DEFERRED;
  }

  private async sendRetry(
    request: RemotingCommand,
    header: SendMessageRequest,
    connection: Connection,
    target: PutTarget,
  ): Promise<typeof DEFERRED> {
    const queueId = chooseQueueId(header.queueId, target.config);
    const destination = await this.retries.destination(target, header, queueId, request.version);
    this.put(request, header, connection, target, destination);
    return DEFERRED;
  }

  private put(
    request: RemotingCommand,
    header: SendMessageRequest,
    connection: Connection,
    target: PutTarget,
    redirected: Destination | undefined,
  ): void {
    const facts = this.facts;
    scanProperties(header.properties, facts);
    const delayLevel = redirected?.edits === undefined ? this.rules.delayLevel(facts) : 0;
    const isHalf = this.rules.checkKind(header.sysFlag, facts, delayLevel, header.reconsumeTimes);
    const queueId = redirected?.queueId ?? chooseQueueId(header.queueId, target.config);
    let topic = redirected?.topic ?? target.topic;
    let storedQueueId = queueId;
    let edits = redirected?.edits;
    if (delayLevel > 0 || isHalf) {
      const elsewhere = isHalf
        ? this.rules.half(topic, queueId, this.properties.uniqKeyOf(facts))
        : this.rules.delayed(topic, queueId, delayLevel);
      topic = elsewhere.topic;
      storedQueueId = elsewhere.queueId;
      edits = elsewhere.edits;
    }
    let recallAtMs: number | undefined;
    if (delayLevel <= 0 && facts.hasTimer && !facts.hasTimerOut && !isHalf && edits === undefined) {
      const timed = this.timers.timed(topic, queueId, facts, header.properties.length);
      if (timed !== undefined) {
        recallAtMs = timed.recallAtMs;
        ({ topic, queueId: storedQueueId, edits } = timed);
      }
    }
    const properties = this.properties.complete(header.properties, facts, edits);
    const uniqKey = facts.uniqKey;
    const recallHandle =
      recallAtMs === undefined ? undefined : this.timers.recallHandle(target.topic, recallAtMs, uniqKey);
    this.store.putMessage(
      {
        topic,
        queueId: storedQueueId,
        flag: header.flag,
        sysFlag: isHalf ? header.sysFlag & ~MessageSysFlag.TRANSACTION_MASK : header.sysFlag,
        bornTimestamp: header.bornTimestamp,
        bornHost: connection.remoteHostBytes,
        reconsumeTimes: header.reconsumeTimes,
        preparedTransactionOffset: 0,
        body: request.bodyBuffer,
        properties,
        tagsCode: facts.tags === '' ? 0 : tagsCodeOf(facts.tags),
        waitStoreOk: facts.waitStoreOk,
      },
      (result) => this.replies.answer(connection, request, result, queueId, uniqKey, recallHandle),
    );
  }
}
