import { javaStringHash, type MessageQueue } from '@rocknest/protocol';
import { MQClientError, MQClientErrorCode } from '../errors.js';
import { invalidArgument } from '../support/check.js';
import type { MessageInput } from './message-input.js';

/**
 * Chooses the queue of a message by what the sender says about it (RocketMQ: `client/producer/MessageQueueSelector.java`).
 *
 * @param queues those that may be written to, in the order of RocketMQ's clients: brokers by name, queues by number. Not to be changed.
 * @param arg what stands in `SendOptions.selectorArg`
 */
export type MessageQueueSelector<T = never> = (
  queues: readonly MessageQueue[],
  message: MessageInput,
  arg: T,
) => MessageQueue;

const INT32_MAX = 0x7fffffff;

/** `hashCode()` of what Java makes of the value: String, Integer, Long or Boolean. */
function javaHashCode(value: string | number | bigint | boolean): number {
  if (typeof value === 'string') return javaStringHash(value);
  if (typeof value === 'boolean') return value ? 1231 : 1237;
  if (typeof value === 'number') {
    if ((value | 0) === value) return value;
    if (!Number.isSafeInteger(value)) {
      throw invalidArgument(
        `selectorArg is ${value}; a number must be whole and within the safe range, or be given as text`,
      );
    }
  }
  const bits = BigInt.asUintN(64, BigInt(value));
  return Number(BigInt.asIntN(32, bits ^ (bits >> 32n)));
}

/**
 * The same queue for the same argument, as long as the number of queues stays: the queue that a Java producer chooses for it, when whole numbers beyond
 * 32 bits are `Long` there (RocketMQ: `SelectMessageQueueByHash.java`).
 *
 * @throws MQClientError INVALID_ARGUMENT without an argument that has a hash.
 */
export const selectMessageQueueByHash: MessageQueueSelector<string | number | bigint | boolean> = (queues, _, arg) => {
  if (arg === undefined || arg === null || typeof arg === 'object') {
    throw invalidArgument('selectMessageQueueByHash needs a selectorArg: text, a whole number or a boolean');
  }
  return queues[Math.abs(javaHashCode(arg) % queues.length)];
};

/** Any of them (RocketMQ: `SelectMessageQueueByRandom.java`). */
export const selectMessageQueueByRandom: MessageQueueSelector<unknown> = (queues) =>
  queues[Math.floor(Math.random() * queues.length)];

/**
 * Queues of brokers in these machine rooms take turns; a broker named `room@name` is in `room` (RocketMQ has the name,
 * `SelectMessageQueueByMachineRoom.java`, and leaves its choice open).
 */
export function selectMessageQueueByMachineRoom(rooms: Iterable<string>): MessageQueueSelector<unknown> {
  const wanted = new Set(rooms);
  if (wanted.size === 0) throw invalidArgument('selectMessageQueueByMachineRoom needs a machine room');
  let turn = 0;
  return (queues, message) => {
    const near = queues.filter(({ brokerName }) => {
      const end = brokerName.indexOf('@');
      return end > 0 && wanted.has(brokerName.slice(0, end));
    });
    if (near.length === 0) {
      throw new MQClientError(
        MQClientErrorCode.BROKER_NOT_FOUND,
        `no broker of topic ${message.topic} is in the machine rooms ${[...wanted].join(', ')}; brokers are named room@name`,
        { details: { topic: message.topic } },
      );
    }
    turn = turn >= INT32_MAX ? 0 : turn + 1;
    return near[turn % near.length];
  };
}

/** @throws MQClientError INVALID_ARGUMENT when the selector gives none of the queues; whatever it throws itself. */
export function selectQueue(
  selector: MessageQueueSelector<never>,
  queues: readonly MessageQueue[],
  message: MessageInput,
  arg: unknown,
): MessageQueue {
  const chosen = selector(queues, message, arg as never) as MessageQueue | undefined;
  if (chosen !== undefined) {
    for (const queue of queues) {
      if (queue === chosen || (queue.brokerName === chosen.brokerName && queue.queueId === chosen.queueId))
        return queue;
    }
  }
  throw invalidArgument(
    `the queue selector gave ${chosen ? `queue ${chosen.queueId} of ${chosen.brokerName}` : 'no queue'}, which is none of the ` +
      `${queues.length} queues of topic ${message.topic}`,
  );
}
