import {
  MessageSysFlag,
  type RemotingCommand,
  sendMessageView as view,
  unescapeJsonInto,
  viewOf,
  viewSendMessage,
} from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import type { MessageStore, PropertyBytes, PutResult } from '@rocknest/store';
import { MAX_PROPERTIES_LENGTH } from './message-rules.js';
import { propertyScan, scanUsualProperties } from './property-bytes-scan.js';
import type { PutGate } from './put-gate.js';
import type { SendReplies } from './send-replies.js';

/** Everything out of the ordinary that a system flag can say. */
const UNUSUAL_FLAGS = MessageSysFlag.TRANSACTION_MASK | MessageSysFlag.INNER_BATCH_FLAG;

/**
 * Stores a message as nearly all of them are: SEND_MESSAGE_V2 to a known topic and a given queue, with an id of its own, neither delayed
 * nor part of anything. Nothing of it becomes text: header fields are numbers and places, the properties go into the log as they came.
 * What is different in any way is left to `MessageSender`, which follows every rule; the result of both is the same.
 */
export class UsualSender {
  private readonly unescaped = Buffer.allocUnsafeSlow(6 * MAX_PROPERTIES_LENGTH);
  private readonly unescapedView = viewOf(this.unescaped);
  /** What was received last, and a view of it: it holds many messages. */
  private received: Buffer = this.unescaped;
  private receivedView = this.unescapedView;
  private scanned: Buffer = this.unescaped;
  private readonly properties: { -readonly [K in keyof PropertyBytes]: PropertyBytes[K] };

  /** @param ownProperties the properties that the broker puts behind those of each message. */
  constructor(
    private readonly store: MessageStore,
    private readonly gate: PutGate,
    private readonly replies: SendReplies,
    private readonly maxMessageSizeBytes: number,
    ownProperties: string,
  ) {
    this.properties = { view: this.unescapedView, start: 0, end: 0, suffix: viewOf(Buffer.from(ownProperties)) };
  }

  /** @returns false when the message is not a usual one; nothing has happened then. */
  send(request: RemotingCommand, connection: Connection): boolean {
    if (!viewSendMessage(request) || view.batch || (view.sysFlag & UNUSUAL_FLAGS) !== 0) return false;
    const target = this.gate.targets.find(view.raw, view.topicStart, view.topicEnd);
    const { queueId } = view;
    if (target === undefined || target.retryGroup !== undefined) return false;
    if (queueId < 0 || queueId >= target.queueIdLimit) return false;
    const body = request.bodyBuffer;
    if (body.length > this.maxMessageSizeBytes || !this.takeProperties()) return false;
    const { properties } = this;
    if (!scanUsualProperties(this.scanned, properties.start, properties.end)) return false;
    const { tagsCode, uniqKeyStart, uniqKeyEnd } = propertyScan;
    const uniqKeyLength = uniqKeyEnd - uniqKeyStart;
    // The stored properties end the record, so places in them are counted from its end.
    const uniqKeyFromEnd = properties.end - uniqKeyStart + properties.suffix.byteLength;
    this.store.putMessage(
      {
        topic: target.topic,
        queueId,
        flag: view.flag,
        sysFlag: view.sysFlag,
        bornTimestamp: view.bornTimestamp,
        bornHost: connection.remoteHostBytes,
        reconsumeTimes: view.reconsumeTimes,
        preparedTransactionOffset: 0,
        body,
        properties,
        tagsCode,
        waitStoreOk: true,
      },
      (result: PutResult) =>
        this.replies.answerUsual(connection, request, result, queueId, uniqKeyFromEnd, uniqKeyLength),
    );
    return true;
  }

  /** Points {@link properties} to the wire bytes of the properties, without JSON's escapes. */
  private takeProperties(): boolean {
    const { properties } = this;
    const { propertiesStart, propertiesEnd, propertiesEscaped } = view;
    if (!propertiesEscaped) {
      if (propertiesEnd - propertiesStart > MAX_PROPERTIES_LENGTH) return false;
      if (this.received !== view.raw) {
        this.received = view.raw;
        this.receivedView = viewOf(view.raw);
      }
      this.scanned = view.raw;
      properties.view = this.receivedView;
      properties.start = propertiesStart;
      properties.end = propertiesEnd;
      return true;
    }
    if (propertiesEnd - propertiesStart > this.unescaped.length) return false;
    const length = unescapeJsonInto(view.raw, propertiesStart, propertiesEnd, this.unescaped);
    if (length < 0 || length > MAX_PROPERTIES_LENGTH) return false;
    this.scanned = this.unescaped;
    properties.view = this.unescapedView;
    properties.start = 0;
    properties.end = length;
    return true;
  }
}
