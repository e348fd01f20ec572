import type { MessageExt } from '@rocknest/client-core';
import { BaseRpcContext } from '@nestjs/microservices';
import { readFailure, type MessageFailure } from '../exceptions/failure-reason.js';

/** The same in every copy of this package that a process holds: each has a class of its own. */
const CONTEXT_MARK = Symbol.for('rocknest.rocketmq-context');

type RocketMQContextArgs = [messages: readonly MessageExt[], group: string];

/**
 * What a handler may want to know besides the payload: `@Ctx() context: RocketMQContext`.
 * For a batch handler the getters without an `s` speak of the first message; `getMessages()` has all.
 */
export class RocketMQContext extends BaseRpcContext<RocketMQContextArgs> {
  get [CONTEXT_MARK](): true {
    return true;
  }

  /** The message as it came: body, properties, offsets, times, hosts. */
  getMessage(): MessageExt {
    return this.args[0][0];
  }

  /** Every message of this call: one, or those of a batch. */
  getMessages(): readonly MessageExt[] {
    return this.args[0];
  }

  /** The topic that it was sent to; for a message that comes again that one too, not the retry topic. */
  getTopic(): string {
    return this.getMessage().topic;
  }

  /** The tag, if it has one. */
  getTags(): string | undefined {
    return this.getMessage().properties['TAGS'];
  }

  /** The keys, none when it has none. */
  getKeys(): string[] {
    const keys = this.getMessage().properties['KEYS'];
    return keys ? keys.split(' ').filter((key) => key !== '') : [];
  }

  /** All properties: the sender's own and the bus's. */
  getProperties(): Readonly<Record<string, string>> {
    return this.getMessage().properties;
  }

  getProperty(name: string): string | undefined {
    return this.getMessage().properties[name];
  }

  /** What `ClientProxy.setOnDispatchHook` attached on the other side: it travels in the properties. */
  getMetadata(): Readonly<Record<string, string>> {
    return this.getMessage().properties;
  }

  getQueueId(): number {
    return this.getMessage().queueId;
  }

  /** Offset in its queue; for a message that comes again that of the retry topic's queue. */
  getQueueOffset(): number {
    return this.getMessage().queueOffset;
  }

  /** How often it came before: 0 at the first delivery. */
  getReconsumeTimes(): number {
    return this.getMessage().reconsumeTimes;
  }

  /** Why the delivery before this one failed, or why a dead letter is dead; undefined at the first delivery, and where no reason was stored. */
  getFailure(): MessageFailure | undefined {
    return readFailure(this.getMessage().properties);
  }

  /** Unique id given by the sender; the same at each delivery, so it serves to recognise a duplicate. */
  getMessageId(): string {
    return this.getMessage().msgId;
  }

  /** Name of the broker group that it came from. */
  getBrokerName(): string | undefined {
    return this.getMessage().brokerName;
  }

  /** The consumer group of the handler. */
  getGroup(): string {
    return this.args[1];
  }
}

/** True for a context of a RocketMQ handler, whichever copy of this package made it. */
export function isRocketMQContext(value: unknown): boolean {
  return typeof value === 'object' && value !== null && CONTEXT_MARK in value;
}
