import type { MessageExt } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { PushConsumer } from '../consumer/push-consumer.js';
import { MQAdmin } from '../admin/mq-admin.js';
import { LitePullConsumer } from '../consumer/lite-pull/lite-pull-consumer.js';
import { PopConsumer } from '../consumer/pop/pop-consumer.js';
import { PullConsumer } from '../consumer/pull/pull-consumer.js';
import { Producer } from '../producer/producer.js';
import type { SendOptions } from '../producer/message-sender.js';
import type { MessageQueueSelector } from '../producer/queue-selector.js';
import { ClientNamespace } from './namespace.js';

const namespace = ClientNamespace.of('shop')!;
const options = { namesrvAddr: '127.0.0.1:1', group: 'workers', namespace: 'shop' };

describe('ClientNamespace', () => {
  it('is none without a name, and refuses what could not be part of a topic', () => {
    expect([ClientNamespace.of(undefined), ClientNamespace.of('')]).toEqual([undefined, undefined]);
    for (const name of ['a b', 'a%b', 'x'.repeat(65)])
      expect(() => ClientNamespace.of(name)).toThrow('option namespace');
  });

  it('puts the groups of producers and push consumers into it', () => {
    expect(new Producer(options).group).toBe('shop%workers');
    expect(new PushConsumer(options).group).toBe('shop%workers');
  });

  it('puts topics that rest into it, and tells them as they were given', () => {
    const consumer = new PushConsumer(options);
    consumer.pauseQueues({ topic: 'orders' });
    expect(consumer.pausedQueues).toEqual([{ topic: 'orders' }]);
    consumer.resumeQueues({ topic: 'orders' });
    expect(consumer.pausedQueues).toEqual([]);
    expect(() => consumer.unsubscribe('%RETRY%workers')).toThrow("can't be unsubscribed");
  });

  it('is refused by clients that take names as brokers know them', () => {
    expect(() => new MQAdmin(options)).toThrow('wrapNamespace("shop", name)');
    expect(() => new PopConsumer(options)).toThrow('wrapNamespace');
    expect(() => new PullConsumer(options)).toThrow('wrapNamespace');
    expect(() => new LitePullConsumer(options)).toThrow('wrapNamespace');
  });

  it('shows selectors the names of the application', () => {
    const first: MessageQueueSelector = (given, message) => {
      expect([...given.map(({ topic }) => topic), message.topic]).toEqual(['orders', 'orders']);
      return given[0];
    };
    const { selector, queue } = namespace.sendOptions<SendOptions>({
      queue: { topic: 'orders', brokerName: 'a', queueId: 0 },
      selector: first,
    });
    expect(queue?.topic).toBe('shop%orders');
    const queues = [{ topic: 'shop%orders', brokerName: 'a', queueId: 3 }];
    expect(selector?.(queues, { topic: 'shop%orders', body: 'x' }, undefined as never)).toMatchObject({ queueId: 3 });
  });

  it('gives listeners copies, and what they set comes back', async () => {
    const original = { topic: 'shop%orders', msgId: 'x' } as MessageExt;
    const messageQueue = { topic: 'shop%orders', brokerName: 'a', queueId: 0 };
    const context = { messageQueue, delayLevelWhenNextConsume: 0, ackIndex: 9 };
    const wrapped = namespace.registration({
      kind: 'CONCURRENTLY',
      listener: (messages, given) => {
        expect([messages[0].topic, given.messageQueue.topic]).toEqual(['orders', 'orders']);
        given.ackIndex = 4;
        return 'CONSUME_SUCCESS';
      },
    });
    expect(await wrapped.listener([original] as never, context as never)).toBe('CONSUME_SUCCESS');
    expect([original.topic, context.ackIndex]).toEqual(['shop%orders', 4]);
  });
});
