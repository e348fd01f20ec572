import type { QueueSelector } from '@rocknest/client-core';
import type { GroupConsumer } from '../consumer/group-consumer.js';
import { invalidOption } from '../errors.js';

/** Which consumers are meant: all, those of a group, those of a topic, or one queue of a topic. */
export interface ConsumerTarget {
  group?: string;
  topic?: string;
  /** With `topic`: this queue of it. */
  queue?: { brokerName: string; queueId: number };
}

/** A group of which something rests. */
export interface PausedConsumer {
  readonly group: string;
  /** True: the whole consumer rests. */
  readonly all: boolean;
  /** Topics and queues that rest by themselves. */
  readonly queues: readonly QueueSelector[];
}

export function isMeant(consumer: Pick<GroupConsumer, 'group' | 'topics'>, target: ConsumerTarget): boolean {
  if (target.queue !== undefined && target.topic === undefined) {
    throw invalidOption('queue needs a topic: { topic, queue: { brokerName, queueId } }');
  }
  if (target.group !== undefined && target.group !== consumer.group) return false;
  return target.topic === undefined || consumer.topics.has(target.topic);
}

function selectorOf({ topic, queue }: ConsumerTarget): QueueSelector | undefined {
  return topic === undefined ? undefined : { topic, ...queue };
}

export function pauseConsumer({ consumer }: GroupConsumer, target: ConsumerTarget): void {
  const selector = selectorOf(target);
  if (selector) consumer.pauseQueues(selector);
  else consumer.suspend();
}

/** The end of the pause of a group ends those of its topics too. */
export function resumeConsumer({ consumer }: GroupConsumer, target: ConsumerTarget): void {
  const selector = selectorOf(target);
  if (selector) {
    consumer.resumeQueues(selector);
    return;
  }
  consumer.resumeQueues();
  consumer.resume();
}

export function pausedOf({ group, consumer }: GroupConsumer): PausedConsumer {
  return { group, all: consumer.isSuspended, queues: consumer.pausedQueues };
}
