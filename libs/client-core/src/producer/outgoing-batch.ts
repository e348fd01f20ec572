import { decodeProperties, encodeBatchBody, isRetryTopic } from '@rocknest/protocol';
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

/**
 * Many messages of one topic as one request: stored together, or not at all (RocketMQ: `common/message/MessageBatch.java`).
 *
 * @throws MQClientError MESSAGE_ILLEGAL when the messages can't travel together: an empty list, several topics, different
 *   `waitStoreOk`, a delay, or more than `maxMessageSizeBytes` in all.
 */
export function outgoingBatch(inputs: readonly MessageInput[], maxMessageSizeBytes: number): OutgoingMessage {
  const first = inputs[0];
  if (first === undefined) throw illegalMessage('a batch has no message');
  checkSendTopic(first.topic);
  if (isRetryTopic(first.topic)) throw illegalMessage(`a batch can't go to the retry topic ${first.topic}`);
  const nowMs = Date.now();
  const waits = first.waitStoreOk !== false;
  const msgIds: string[] = [];
  const messages = inputs.map((input, index) => {
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
    if (input.delayTimeLevel !== undefined && input.delayTimeLevel !== 0) {
      throw illegalMessage(
        `message ${index} of a batch has delayTimeLevel ${input.delayTimeLevel}; delayed messages are sent one by one`,
      );
    }
    const msgId = nextUniqKey(nowMs);
    msgIds.push(msgId);
    return {
      topic: input.topic,
      body: bytesOf(bodyOf(input, maxMessageSizeBytes)),
      flag: flagOf(input),
      properties: decodeProperties(propertiesText(input, msgId)),
    };
  });
  const body = encodeBatchBody(messages);
  if (body.length > maxMessageSizeBytes) {
    throw illegalMessage(
      `a batch of ${inputs.length} messages has ${body.length} bytes, more than maxMessageSizeBytes ${maxMessageSizeBytes}; send it in parts`,
      { sizeBytes: body.length, maxMessageSizeBytes, messages: inputs.length },
    );
  }
  return {
    topic: first.topic,
    body,
    bodyBytes: body.length,
    sysFlag: 0,
    flag: 0,
    properties: propertiesText({ topic: first.topic, body: '', waitStoreOk: waits }, nextUniqKey(nowMs)),
    msgId: msgIds.join(','),
    isBatch: true,
    reconsumeTimes: 0,
    maxReconsumeTimes: undefined,
  };
}
