import {
  decodeProperties,
  decodeSendMessageRequest,
  encodeProperties,
  encodeReplyMessageRequest,
  encodeSendMessageResponse,
  MessageConst,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type SendMessageRequest,
  tagsCodeOf,
} from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import type { MessageStore, PutResult } from '@rocknest/store';
import type { ProducerManager } from '../clients/producer-manager.js';
import type { Clock } from '../clock.js';
import { CALL_CLIENT_TIMEOUT_MS } from '../defaults.js';
import type { MessageRules } from '../send/message-rules.js';
import type { PropertyCompleter } from '../send/property-completer.js';
import { emptyPropertyFacts, scanProperties } from '../send/property-facts.js';
import type { PutGate } from '../send/put-gate.js';
import { storedCode } from '../send/put-response.js';
import { chooseQueueId } from '../send/queue-choice.js';

export interface ReplyMessagesOptions {
  /** `storeReplyMessageEnable`, read at each use. */
  readonly storeReplyMessages: () => boolean;
  /** Address of this broker, as stored messages name it: `ip:port`. */
  readonly storeHost: string;
  readonly clock: Clock;
}

/**
 * Brings replies to those who asked: each goes to the connection of the client that its property REPLY_TO_CLIENT names, and is stored besides,
 * so that it can be found.
 *
 * Follows `broker/processor/ReplyMessageProcessor.java`.
 */
export class ReplyMessages {
  constructor(
    private readonly store: MessageStore,
    private readonly producers: ProducerManager,
    private readonly gate: PutGate,
    private readonly rules: MessageRules,
    private readonly completer: PropertyCompleter,
    private readonly options: ReplyMessagesOptions,
  ) {}

  /** @throws RequestRefusedError for a topic or sizes that a send would be refused for. */
  async handle(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    request.detach();
    const header = decodeSendMessageRequest(request);
    const body = request.bodyBuffer;
    this.rules.checkSizes(body.length, header.properties.length);
    const target = this.gate.admitted(header) ?? (await this.gate.admit(header, connection.remoteAddress));
    const queueId = chooseQueueId(header.queueId, target.config);
    const problem = await this.push(header, body, queueId, connection);
    const answer = { msgId: '0', queueId, queueOffset: 0, transactionId: undefined, batchUniqId: undefined };
    if (this.options.storeReplyMessages()) {
      const stored = await this.put(header, body, target.topic, queueId, connection);
      if (storedCode(stored.status) !== undefined) {
        answer.msgId = stored.offsetMsgIds();
        answer.queueOffset = stored.queueOffset;
      }
    }
    return RemotingCommand.response(problem === undefined ? ResponseCode.SUCCESS : ResponseCode.SYSTEM_ERROR, {
      ...(problem === undefined ? {} : { remark: problem }),
      fields: encodeSendMessageResponse(answer),
    });
  }

  /** @returns why the reply did not reach the client, or undefined when it did. */
  private async push(
    header: SendMessageRequest,
    body: Buffer,
    queueId: number,
    replier: Connection,
  ): Promise<string | undefined> {
    const properties = decodeProperties(header.properties);
    const clientId = properties[MessageConst.MESSAGE_REPLY_TO_CLIENT];
    if (clientId === undefined) {
      return `reply message properties[${MessageConst.MESSAGE_REPLY_TO_CLIENT}] is null`;
    }
    const channel = this.producers.findChannel(clientId);
    if (channel === undefined || channel.closed) {
      return `push reply message fail, channel of <${clientId}> not found.`;
    }
    const nowMs = this.options.clock();
    properties[MessageConst.PUSH_REPLY_TIME] = String(nowMs);
    const command = RemotingCommand.request(
      RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
      encodeReplyMessageRequest({
        producerGroup: header.producerGroup,
        topic: header.topic,
        defaultTopic: header.defaultTopic,
        defaultTopicQueueNums: header.defaultTopicQueueNums,
        queueId,
        sysFlag: header.sysFlag,
        bornTimestamp: header.bornTimestamp,
        flag: header.flag,
        properties: encodeProperties(properties),
        reconsumeTimes: header.reconsumeTimes,
        unitMode: header.unitMode,
        bornHost: replier.remoteAddress,
        storeHost: this.options.storeHost,
        storeTimestamp: nowMs,
      }),
      body,
    );
    try {
      const answer = await channel.request(command, CALL_CLIENT_TIMEOUT_MS);
      if (answer.code === ResponseCode.SUCCESS) return undefined;
      return `push reply message to ${clientId} fail: it answered ${answer.code} ${answer.remark ?? ''}`;
    } catch (error) {
      return `push reply message to ${clientId} fail: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  private put(
    header: SendMessageRequest,
    body: Buffer,
    topic: string,
    queueId: number,
    connection: Connection,
  ): Promise<PutResult> {
    const facts = emptyPropertyFacts();
    scanProperties(header.properties, facts);
    const properties = this.completer.complete(header.properties, facts);
    return new Promise((resolve) =>
      this.store.putMessage(
        {
          topic,
          queueId,
          flag: header.flag,
          sysFlag: header.sysFlag,
          bornTimestamp: header.bornTimestamp,
          bornHost: connection.remoteHostBytes,
          reconsumeTimes: header.reconsumeTimes,
          preparedTransactionOffset: 0,
          body,
          properties,
          tagsCode: facts.tags === '' ? 0 : tagsCodeOf(facts.tags),
          waitStoreOk: facts.waitStoreOk,
        },
        resolve,
      ),
    );
  }
}
