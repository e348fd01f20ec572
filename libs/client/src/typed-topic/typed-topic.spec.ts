import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { startMicroservice } from '../../test/consumer-application.js';
import { FakeClientFactory, testMessage } from '../../test/fake-clients.js';
import {
  ConcurrentConsumer,
  defineTopic,
  OrderlyConsumer,
  PayloadValidationError,
  RocketMQClient,
  RocketMQProducer,
  type StandardSchema,
  type TypedTopic,
} from '../index.js';

interface Order {
  id: number;
  items: { sku: string; amount: number }[];
}
const orderSchema = z.object({
  id: z.number().int(),
  items: z.array(z.object({ sku: z.string().min(2), amount: z.number().positive() })),
});
const Orders = defineTopic<Order>('orders', orderSchema);
const good: Order = { id: 1, items: [{ sku: 'ab', amount: 2 }] };
const bad = {
  id: 1.5,
  items: [
    { sku: 'ab', amount: 2 },
    { sku: 'x', amount: -1 },
  ],
};

/** Texts of dates on the wire, dates in the handler. */
const Visits = defineTopic(
  'visits',
  z.object({ at: z.iso.datetime().transform((text) => new Date(text)), page: z.string().default('/') }),
);

/** A validator without a library: asynchronous, and a function as those of ArkType are. */
const known: StandardSchema<string> = Object.assign(() => undefined, {
  '~standard': {
    version: 1 as const,
    vendor: 'own',
    validate: async (value: unknown) =>
      typeof value === 'string' && value.startsWith('known')
        ? { value }
        : { issues: [{ message: `${String(value)} is not known` }] },
  },
});
const Names = defineTopic('names', known);

async function startProducer() {
  const clientFactory = new FakeClientFactory();
  const producer = new RocketMQProducer({ clientFactory, namesrvAddr: 'h:1' });
  await producer.start();
  return { producer, sent: () => clientFactory.producers[0].sent };
}

describe('defineTopic', () => {
  it('infers what goes in and what comes out', () => {
    expectTypeOf(Orders).toEqualTypeOf<TypedTopic<Order, Order>>();
    expectTypeOf(Visits).toEqualTypeOf<
      TypedTopic<{ at: Date; page: string }, { at: string; page?: string | undefined }>
    >();
    expectTypeOf(Names).toEqualTypeOf<TypedTopic<string, string>>();
    expect(Orders.name).toBe('orders');
  });

  it('refuses names that are no topic, and schemas that are none', () => {
    expect(() => defineTopic('a topic', orderSchema)).toThrow('a topic');
    for (const schema of [
      undefined,
      null,
      {},
      { parse: () => 1 },
      { '~standard': { version: 2, validate: () => 1 } },
    ]) {
      expect(() => defineTopic('orders', schema as unknown as StandardSchema)).toThrow('no Standard Schema');
    }
  });
});

describe('a producer of a typed topic', () => {
  it('sends what fits, as it was given', async () => {
    const { producer, sent } = await startProducer();
    await producer.send({ topic: Orders, body: good, keys: 'k' });
    await producer.send([{ topic: Visits, body: { at: '2026-01-02T03:04:05Z' } }]);
    await producer.send({ topic: Names, body: 'known one' });
    await producer.sendOneway({ topic: Orders, body: good });
    expect(sent()).toEqual([
      { topic: 'orders', body: JSON.stringify(good), keys: 'k' },
      [{ topic: 'visits', body: '{"at":"2026-01-02T03:04:05Z"}' }],
      { topic: 'names', body: 'known one', properties: { rocknestBody: 'text' } },
      { topic: 'orders', body: JSON.stringify(good) },
    ]);
    await producer.shutdown();
  });

  it('refuses what does not fit with each problem, and sends nothing', async () => {
    const { producer, sent } = await startProducer();
    const error: unknown = await producer.send({ topic: Orders, body: bad }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PayloadValidationError);
    const { issues, topic, retriable } = error as PayloadValidationError;
    expect([topic, retriable]).toEqual(['orders', false]);
    expect(issues.map(({ path }) => path)).toEqual(['id', 'items[1].sku', 'items[1].amount']);
    expect(error).toMatchObject({ code: 'CLIENT_VALIDATION', details: { topic: 'orders', vendor: 'zod', issues } });
    expect(String(error)).toMatch(
      /schema \(zod\) of topic "orders": id: .*; items\[1\]\.sku: .*; items\[1\]\.amount: /,
    );
    await expect(
      producer.send([
        { topic: Orders, body: good },
        { topic: Orders, body: bad },
      ]),
    ).rejects.toThrow('items[1]');
    await expect(producer.send({ topic: Names, body: 'other' })).rejects.toThrow('topic "names": other is not known');
    await expect(producer.sendOneway({ topic: Orders, body: bad })).rejects.toThrow('items[1]');
    const called = new Promise((onSuccess, onException) => {
      producer.sendAsync({ topic: Orders, body: bad }, { onSuccess, onException });
    });
    await expect(called).rejects.toThrow('items[1]');
    expect(sent()).toEqual([]);
    await producer.shutdown();
  });

  it('tells ten problems of many', async () => {
    const { producer } = await startProducer();
    const Numbers = defineTopic('numbers', z.array(z.number()));
    const texts = Array.from({ length: 25 }, () => 'x') as unknown as number[];
    const error = (await producer
      .send({ topic: Numbers, body: texts })
      .catch((reason: unknown) => reason)) as PayloadValidationError;
    expect(error.issues).toHaveLength(25);
    expect(error.message).toMatch(/\[9\]: .*; and 15 more$/);
    await producer.shutdown();
  });

  it('emits through the ClientProxy', async () => {
    const clientFactory = new FakeClientFactory();
    const client = new RocketMQClient({ clientFactory });
    await lastValueFrom(client.emit(Orders, good));
    await expect(lastValueFrom(client.emit(Orders, bad))).rejects.toThrow('items[1]');
    expect(clientFactory.producers[0].sent).toEqual([{ topic: 'orders', body: JSON.stringify(good) }]);
    await client.close();
  });
});

const got: unknown[] = [];

@Controller()
class Shop {
  @ConcurrentConsumer({ topic: Orders })
  onOrder(@Payload() order: Order): void {
    got.push(order);
  }
  @ConcurrentConsumer({ topic: Visits, group: 'visits', batch: { maxMessages: 8 } })
  onVisits(@Payload() visits: { at: Date; page: string }[]): void {
    got.push(visits);
  }
  @OrderlyConsumer({ topic: Names, group: 'names' })
  onName(@Payload() name: string): void {
    got.push(name);
  }
  @ConcurrentConsumer({ topic: Orders, group: 'lenient', retry: { skip: [PayloadValidationError] } })
  onAny(@Payload() order: Order): void {
    got.push(order);
  }
  @EventPattern('plain', { group: 'plain', schema: orderSchema })
  onPlain(@Payload() order: Order): void {
    got.push(order);
  }
}

describe('a consumer of a typed topic', () => {
  const start = () => {
    got.length = 0;
    return startMicroservice({ controllers: [Shop] });
  };

  it('gets what fits, as the schema makes it', async () => {
    const { app, consumer } = await start();
    expect(await consumer().deliver(testMessage('orders', { ...good, unknown: 1 }))).toBe('CONSUME_SUCCESS');
    expect(await consumer('plain').deliver(testMessage('plain', good))).toBe('CONSUME_SUCCESS');
    const visit = testMessage('visits', { at: '2026-01-02T03:04:05Z' });
    expect(await consumer('visits').deliver(visit)).toBe('CONSUME_SUCCESS');
    expect(got).toEqual([good, good, [{ at: new Date('2026-01-02T03:04:05Z'), page: '/' }]]);
    await app.close();
  });

  it.each([
    ['does not fit', bad, /items\[1\]\.amount/],
    ['is of another kind', 'text', /expected object/],
    ['is no UTF-8', Buffer.from([0xff, 0xfe]), /id: .*items: /],
  ])('makes a dead letter of what %s, at once and with the reason', async (_, payload, reason) => {
    const { app, consumer } = await start();
    for (const [group, topic] of [
      [undefined, 'orders'],
      ['plain', 'plain'],
    ] as const) {
      expect(await consumer(group).deliver(testMessage(topic, payload))).toBe('RECONSUME_LATER');
      const properties = {
        rocknestFailureName: 'PayloadValidationError',
        rocknestFailureMessage: expect.stringMatching(reason) as string,
      };
      expect(consumer(group).outcomes).toMatchObject([{ delayLevel: -1, properties }]);
    }
    expect(got).toEqual([]);
    await app.close();
  });

  it('makes a dead letter in an ordered queue, too, and goes on behind it', async () => {
    const { app, consumer } = await start();
    const messages = ['nobody', 'known'].map((name) => testMessage('names', name));
    const first = await consumer('names').deliverInOrder(messages[0]);
    expect(first).toMatchObject({
      result: 'SUCCESS',
      context: { deadLetters: [0] },
    });
    expect((await consumer('names').deliverInOrder(messages[1])).context.deadLetters).toEqual([]);
    expect(got).toEqual(['known']);
    await app.close();
  });

  it('lets a policy of the handler decide otherwise', async () => {
    const { app, consumer } = await start();
    expect(await consumer('lenient').deliver(testMessage('orders', bad))).toBe('CONSUME_SUCCESS');
    expect(got).toEqual([]);
    await app.close();
  });

  it('takes the payloads of a batch that fit, and fails the others alone', async () => {
    const { app, consumer } = await start();
    const messages = [{ at: 'yesterday' }, { at: '2026-01-02T03:04:05Z', page: '/a' }].map((body) =>
      testMessage('visits', body),
    );
    expect(await consumer('visits').deliver(...messages)).toBe('CONSUME_SUCCESS');
    expect(consumer('visits').outcomes).toMatchObject([{ delayLevel: -1 }]);
    expect(got).toEqual([[{ at: new Date('2026-01-02T03:04:05Z'), page: '/a' }]]);
    await app.close();
  });

  it('refuses a schema that is none at boot', async () => {
    @Controller()
    class Wrong {
      @EventPattern('wrong', { schema: { parse: () => 1 } })
      onWrong(@Payload() _data: unknown): void {}
    }
    await expect(startMicroservice({ controllers: [Wrong] })).rejects.toThrow('schema is no Standard Schema');
  });
});
