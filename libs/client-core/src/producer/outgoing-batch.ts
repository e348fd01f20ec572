import { BATCH_MESSAGES_MAX, decodeProperties, encodeBatchBody, isRetryTopic, type Message } from '@rocknest/protocol';
import { delayFieldOf } from './delay.js';
import type { MessageInput } from './message-input.js';
import {
  bodyOf,
  bytesOf,
  checkSendTopic,
  flagOf,
  illegalMessage,
  propertiesText,
  type OutgoingMessage,
} from './outgoing-message.js';
import { nextUniqKey } from './uniq-key.js';

/** What a message takes in a batch besides body and properties. */
const ITEM_FIXED_BYTES = 22;

/** A checked message of a batch, with its UNIQ_KEY. */
export interface BatchItem {
  readonly message: Message & { body: Buffer };
  readonly msgId: string;
  /** In the batch, with everything. */
  readonly sizeBytes: number;
}

/** @throws MQClientError MESSAGE_ILLEGAL. */
export function batchItem(input: MessageInput, maxMessageSizeBytes: number, nowMs: number): BatchItem {
  const body = bytesOf(bodyOf(input, maxMessageSizeBytes));
  const msgId = nextUniqKey(nowMs);
  const properties = propertiesText(input, msgId);
  return {
    message: { topic: input.topic, body, flag: flagOf(input), properties: decodeProperties(properties) },
    msgId,
    sizeBytes: ITEM_FIXED_BYTES + body.length + Buffer.byteLength(properties),
  };
}

/** Items of one topic as one request. */
export function packBatch(items: readonly BatchItem[], waitStoreOk: boolean, nowMs: number): OutgoingMessage {
  const { topic } = items[0].message;
  const body = encodeBatchBody(items.map(({ message }) => message));
  return {
    topic,
    body,
    bodyBytes: body.length,
    sysFlag: 0,
    flag: 0,
    properties: propertiesText({ topic, body: '', waitStoreOk }, nextUniqKey(nowMs)),
    msgId: items.map(({ msgId }) => msgId).join(','),
    isBatch: true,
    reconsumeTimes: 0,
    maxReconsumeTimes: undefined,
  };
}

/** Refuses what can't travel in one batch. */
function checkFellows(inputs: readonly MessageInput[]): MessageInput {
  const first = inputs[0];
  if (first === undefined) throw illegalMessage('a batch has no message');
  checkSendTopic(first.topic);
  if (isRetryTopic(first.topic)) throw illegalMessage(`a batch can't go to the retry topic ${first.topic}`);
  const waits = first.waitStoreOk !== false;
  for (const [index, input] of inputs.entries()) {
    if (input.topic !== first.topic) {
      throw illegalMessage(
        `message ${index} of a batch goes to topic ${input.topic}, the first to ${first.topic}; a batch has one topic`,
      );
    }
    if ((input.waitStoreOk !== false) !== waits) {
      throw illegalMessage(
        `message ${index} of a batch has another waitStoreOk than the first; a batch has one for all`,
      );
    }
    const delayField = delayFieldOf(input);
    if (delayField !== undefined) {
      throw illegalMessage(
        `message ${index} of a batch has ${delayField} ${input[delayField]}; delayed messages are sent one by one`,
      );
    }
  }
  return first;
}

/** True for messages that a batch can't carry. */
export function isDelayed(input: MessageInput): boolean {
  return delayFieldOf(input) !== undefined;
}

/**
 * Many messages of one topic as one request: stored together, or not at all (RocketMQ: `common/message/MessageBatch.java`).
 *
 * @throws MQClientError MESSAGE_ILLEGAL when the messages can't travel together: an empty list, several topics, different
 *   `waitStoreOk`, a delay, or more than `maxMessageSizeBytes` in all.
 */
export function outgoingBatch(inputs: readonly MessageInput[], maxMessageSizeBytes: number): OutgoingMessage {
  const first = checkFellows(inputs);
  const nowMs = Date.now();
  const items = inputs.map((input) => batchItem(input, maxMessageSizeBytes, nowMs));
  const sizeBytes = items.reduce((sum, item) => sum + item.sizeBytes, 0);
  if (sizeBytes > maxMessageSizeBytes || items.length > BATCH_MESSAGES_MAX) {
    throw illegalMessage(
      `a batch of ${inputs.length} messages has ${sizeBytes} bytes, more than maxMessageSizeBytes ${maxMessageSizeBytes} ` +
        `or ${BATCH_MESSAGES_MAX} messages; send it in parts (sendInBatches)`,
      { sizeBytes, maxMessageSizeBytes, messages: inputs.length },
    );
  }
  return packBatch(items, first.waitStoreOk !== false, nowMs);
}

/**
 * The same as several requests of at most `maxBatchBytes` and BATCH_MESSAGES_MAX messages each, in their order. A message that is larger by itself goes alone.
 *
 * @throws MQClientError MESSAGE_ILLEGAL, before anything is sent.
 */
export function splitBatch(
  inputs: readonly MessageInput[],
  maxMessageSizeBytes: number,
  maxBatchBytes: number,
): OutgoingMessage[] {
  const waits = checkFellows(inputs).waitStoreOk !== false;
  const nowMs = Date.now();
  const batches: OutgoingMessage[] = [];
  let part: BatchItem[] = [];
  let partBytes = 0;
  for (const input of inputs) {
    const item = batchItem(input, maxMessageSizeBytes, nowMs);
    if (part.length > 0 && (partBytes + item.sizeBytes > maxBatchBytes || part.length === BATCH_MESSAGES_MAX)) {
      batches.push(packBatch(part, waits, nowMs));
      part = [];
      partBytes = 0;
    }
    part.push(item);
    partBytes += item.sizeBytes;
  }
  batches.push(packBatch(part, waits, nowMs));
  return batches;
}
