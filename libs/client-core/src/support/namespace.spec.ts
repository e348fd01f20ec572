import type { MessageExt } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { PushConsumer } from '../consumer/push-consumer.js';
import { LitePullConsumer } from '../consumer/lite-pull/lite-pull-consumer.js';
import { PopConsumer } from '../consumer/pop/pop-consumer.js';
import { PullConsumer } from '../consumer/pull/pull-consumer.js';
import { Producer } from '../producer/producer.js';
import type { SendOptions } from '../producer/message-sender.js';
import type { MessageQueueSelector } from '../producer/queue-selector.js';
import { ClientNamespace, clientNames, namespaceV2Option } from './namespace.js';

const namespace = ClientNamespace.of('shop')!;
const options = { namesrvAddr: '127.0.0.1:1', group: 'workers', namespace: 'shop' };

describe('ClientNamespace', () => {
  it('is none without a name, and refuses what could not be part of a topic', () => {
    expect([ClientNamespace.of(undefined), ClientNamespace.of('')]).toEqual([undefined, undefined]);
    for (const name of ['a b', 'a%b', 'x'.repeat(65)])
      expect(() => ClientNamespace.of(name)).toThrow('option namespace');
  });

  it('puts the groups of every client into it', () => {
    for (const Client of [Producer, PushConsumer, LitePullConsumer, PullConsumer, PopConsumer]) {
      expect(new Client(options).group).toBe('shop%workers');
      expect(new Client({ ...options, namespace: '' }).group).toBe('workers');
    }
  });

  it('leaves names as they are where there is none', () => {
    const names = clientNames(undefined);
    const queue = { topic: 'orders', brokerName: 'a', queueId: 0 };
    expect([names.wrap('orders'), names.without('shop%orders'), names.holds('orders')]).toEqual([
      'orders',
      'shop%orders',
      true,
    ]);
    expect([names.inside(queue), names.outside(queue), ...names.outsideAll([queue])]).toEqual([queue, queue, queue]);
  });

  it('knows the names that are in it', () => {
    const known = ['shop%orders', '%RETRY%shop%workers', 'orders', 'other%orders', 'TBW102'];
    expect(known.filter((name) => namespace.holds(name))).toEqual(['shop%orders', '%RETRY%shop%workers']);
  });

  it('puts topics that rest into it, and tells them as they were given', () => {
    const consumer = new PushConsumer(options);
    consumer.pauseQueues({ topic: 'orders' });
    expect(consumer.pausedQueues).toEqual([{ topic: 'orders' }]);
    consumer.resumeQueues({ topic: 'orders' });
    expect(consumer.pausedQueues).toEqual([]);
    expect(() => consumer.unsubscribe('%RETRY%workers')).toThrow("can't be unsubscribed");
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

describe('namespaceV2', () => {
  it('is none when empty, and refuses what could not stand in a header', () => {
    expect([namespaceV2Option(undefined), namespaceV2Option('')]).toEqual([undefined, undefined]);
    expect(namespaceV2Option('MQ_INST_1%x')).toBe('MQ_INST_1%x');
    for (const wrong of ['a b', 'ä', 'x'.repeat(256), 7 as never])
      expect(() => namespaceV2Option(wrong)).toThrow('option namespaceV2');
  });
});
