import {
  type BatchItem,
  MessageSysFlag,
  ProtocolError,
  type RemotingCommand,
  ResponseCode,
  type SendMessageRequest,
  splitBatchBody,
} from '@rocknest/protocol';
import { type Connection, DEFERRED } from '@rocknest/remoting';
import type { MessageStore } from '@rocknest/store';
import { RequestRefusedError } from '../errors.js';
import type { MessageRules } from './message-rules.js';
import { emptyPropertyFacts, scanProperties } from './property-facts.js';
import type { PutGate, PutTarget } from './put-gate.js';
import { chooseQueueId } from './queue-choice.js';
import type { SendReplies } from './send-replies.js';

/**
 * Stores the messages of a batch one behind the other in one queue, all of them or none. Their properties stay as the client wrote them.
 *
 * Follows `sendBatchMessage` of `broker/processor/SendMessageProcessor.java`.
 */
export class BatchSender {
  private readonly facts = emptyPropertyFacts();

  constructor(
    private readonly store: MessageStore,
    private readonly gate: PutGate,
    private readonly rules: MessageRules,
    private readonly replies: SendReplies,
  ) {}

  /** Handles a SEND_BATCH_MESSAGE, or a SEND_MESSAGE_V2 with its batch mark. */
  send(
    request: RemotingCommand,
    header: SendMessageRequest,
    connection: Connection,
  ): typeof DEFERRED | Promise<typeof DEFERRED> {
    this.rules.checkSizes(request.bodyBuffer.length, header.properties.length);
    const target = this.gate.admitted(header);
    if (target !== undefined) return this.put(request, header, connection, target);
    request.detach();
    return this.gate
      .admit(header, connection.remoteAddress)
      .then((admitted) => this.put(request, header, connection, admitted));
  }

  private put(
    request: RemotingCommand,
    header: SendMessageRequest,
    connection: Connection,
    target: PutTarget,
  ): typeof DEFERRED {
    if (target.retryGroup !== undefined) {
      throw new RequestRefusedError(
        ResponseCode.MESSAGE_ILLEGAL,
        `batch request does not support retry group ${target.topic}`,
      );
    }
    const facts = this.facts;
    scanProperties(header.properties, facts);
    if (
      this.rules.delayLevel(facts) > 0 ||
      facts.isTransaction ||
      (header.sysFlag & MessageSysFlag.TRANSACTION_MASK) !== 0
    ) {
      throw new RequestRefusedError(
        ResponseCode.MESSAGE_ILLEGAL,
        'a batch can neither be delayed nor be part of a transaction',
      );
    }
    const queueId = chooseQueueId(header.queueId, target.config);
    const uniqKey = facts.uniqKey;
    this.store.putBatch(
      {
        topic: target.topic,
        queueId,
        sysFlag: header.sysFlag,
        bornTimestamp: header.bornTimestamp,
        bornHost: connection.remoteHostBytes,
        reconsumeTimes: header.reconsumeTimes,
        waitStoreOk: facts.waitStoreOk,
        items: batchItems(request.bodyBuffer),
      },
      (result) => this.replies.answer(connection, request, result, queueId, uniqKey),
    );
    return DEFERRED;
  }
}

function batchItems(body: Buffer): BatchItem[] {
  try {
    return splitBatchBody(body);
  } catch (error) {
    if (error instanceof ProtocolError) throw new RequestRefusedError(ResponseCode.MESSAGE_ILLEGAL, error.message);
    throw error;
  }
}
