import { AUTO_CREATE_TOPIC, CLIENT_INNER_PRODUCER_GROUP } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import type { ClientInstance } from '../instance/client-instance.js';
import type { OutgoingMessage } from './outgoing-message.js';
import { SendEngine } from './send-engine.js';
import type { SendResult } from './send-result.js';

/** Sends what the client itself has to send: failed messages to the retry topic. */
export class InnerSender {
  private readonly engine: SendEngine;

  constructor(instance: ClientInstance) {
    this.engine = new SendEngine(instance, {
      group: CLIENT_INNER_PRODUCER_GROUP,
      defaultTopic: AUTO_CREATE_TOPIC,
      defaultTopicQueueNums: defaults.DEFAULT_TOPIC_QUEUE_NUMS,
      serializeType: instance.options.serializeType,
      namespaceV2: instance.options.namespaceV2,
      maxInFlightSends: defaults.MAX_IN_FLIGHT_SENDS,
      maxPendingSends: defaults.MAX_PENDING_SENDS,
      maxPendingSendBytes: defaults.MAX_PENDING_SEND_BYTES,
      maxTimeoutPerRequestMs: 0,
      retryAnotherBrokerWhenNotStoreOk: false,
    });
  }

  async send(message: OutgoingMessage): Promise<void> {
    await new Promise<SendResult>((resolve, reject) => {
      const { SEND_BACK_TIMEOUT_MS, RETRY_TIMES_WHEN_SEND_FAILED } = defaults;
      this.engine.send(Date.now(), message, undefined, SEND_BACK_TIMEOUT_MS, RETRY_TIMES_WHEN_SEND_FAILED, {
        onSuccess: resolve,
        onException: reject,
      });
    });
  }
}

const senders = new WeakMap<ClientInstance, InnerSender>();

/** The one of this instance (RocketMQ: the `CLIENT_INNER_PRODUCER` of `MQClientInstance.java`). */
export function innerSender(instance: ClientInstance): InnerSender {
  let sender = senders.get(instance);
  if (!sender) senders.set(instance, (sender = new InnerSender(instance)));
  return sender;
}
