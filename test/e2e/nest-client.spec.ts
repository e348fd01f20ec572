import { Controller, type INestMicroservice, type Type } from '@nestjs/common';
import { type ClientProxy, Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import {
  ConcurrentConsumer,
  getClientToken,
  getProducerToken,
  RocketMQContext,
  RocketMQModule,
  type RocketMQProducer,
  RocketMQRecordBuilder,
  RocketMQServer,
  type RocketMQServerOptions,
} from '@rocknest/client';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

/** Handlers of these tests fail on purpose. */
const silent = { log() {}, warn() {}, error() {} };

let cluster: RunningCluster;
const open: INestMicroservice[] = [];

beforeAll(async () => {
  // Short levels, so that redeliveries come within the test.
  cluster = await startCluster({ broker: { messageDelayLevel: '1s 1s 1s 1s 1s 1s' } });
});

afterAll(async () => {
  await Promise.all(open.map((app) => app.close()));
  await cluster.stop();
});

interface Started {
  app: INestMicroservice;
  producer: RocketMQProducer;
  client: ClientProxy;
}

/** A Nest application with these consumers and a producer; closed at the end of the file at the latest. */
async function startApp(controllers: Type[], options: RocketMQServerOptions = {}): Promise<Started> {
  const module = await Test.createTestingModule({
    imports: [RocketMQModule.forRoot({ namesrvAddr: cluster.namesrvAddr, producer: { group: uniqueName('p') } })],
    controllers,
  })
    .setLogger(silent)
    .compile();
  const app = module.createNestMicroservice({ strategy: new RocketMQServer({ shutdownSignals: [], ...options }) });
  await app.listen();
  open.push(app);
  return { app, producer: app.get(getProducerToken()), client: app.get(getClientToken()) };
}

/** Makes topics by a first message, which consumers of the test ignore. */
async function makeTopic(topic: string): Promise<void> {
  const { app, producer } = await startApp([]);
  await producer.send({ topic, tags: 'warm-up', body: 'warm-up' });
  await app.close();
}

describe('a Nest application on the bus', () => {
  it('gets timer messages at their time, and not what its producer recalled', async () => {
    const topic = uniqueName('later');
    const group = uniqueName('g');
    const seen: { payload: string; atMs: number }[] = [];
    @Controller()
    class Consumer {
      @ConcurrentConsumer({ topic, group, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      handle(@Payload() payload: string): void {
        seen.push({ payload, atMs: Date.now() });
      }
    }
    await makeTopic(topic);
    const { producer } = await startApp([Consumer]);
    const deliverTimeMs = Date.now() + 900;
    const gone = await producer.send({ topic, body: 'gone', deliverTimeMs });
    await producer.send({ topic, body: 'kept', deliverTimeMs });
    expect(await producer.recallMessage(topic, gone.recallHandle ?? '')).toBe(gone.msgId);
    const ofTimer = (): typeof seen => seen.filter(({ payload }) => String(payload) !== 'warm-up');
    await waitFor(() => ofTimer().length > 0, 'the message that was kept');
    expect(ofTimer()).toMatchObject([{ payload: 'kept' }]);
    expect(ofTimer()[0].atMs).toBeGreaterThanOrEqual(deliverTimeMs);
    await expect(producer.recallMessage(topic, gone.recallHandle ?? '')).rejects.toThrow(/timestamp invalid/);
  });

  it('gets every message with body, tag, keys and properties as they were sent', async () => {
    const topic = uniqueName('content');
    const group = uniqueName('g');
    const seen: { payload: unknown; context: RocketMQContext }[] = [];
    @Controller()
    class Consumer {
      @ConcurrentConsumer({ topic, group, tags: 'a || b', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      handle(@Payload() payload: unknown, @Ctx() context: RocketMQContext): void {
        seen.push({ payload, context });
      }
    }
    await makeTopic(topic);
    const { producer, client } = await startApp([Consumer]);
    const payloads: unknown[] = [{ id: 1, nested: ['ü', null] }, 'text', '42', 42, Buffer.from([0, 255])];
    for (const [n, body] of payloads.entries()) {
      await producer.send({
        topic,
        tags: n % 2 ? 'a' : 'b',
        keys: [`k${n}`, 'all'],
        properties: { n: String(n) },
        body,
      });
    }
    const record = new RocketMQRecordBuilder({ by: 'client' })
      .setTags('a')
      .setKeys('k9')
      .setProperties({ n: '9' })
      .build();
    expect(await lastValueFrom(client.emit(topic, record))).toMatchObject({ status: 'SEND_OK' });
    await waitFor(() => seen.length >= payloads.length + 1, 'all messages');
    const byNumber = new Map(seen.map((entry) => [entry.context.getProperty('n'), entry]));
    for (const [n, body] of payloads.entries()) {
      const { payload, context } = byNumber.get(String(n))!;
      expect(payload).toEqual(body);
      expect([context.getTags(), context.getKeys(), context.getTopic(), context.getGroup()]).toEqual([
        n % 2 ? 'a' : 'b',
        [`k${n}`, 'all'],
        topic,
        group,
      ]);
      expect(context.getReconsumeTimes()).toBe(0);
    }
    expect(byNumber.get('9')!.payload).toEqual({ by: 'client' });
    expect(seen).toHaveLength(payloads.length + 1);
  });

  it('a batch of a producer, and a batch handler', async () => {
    const topic = uniqueName('batch');
    const sizes: number[] = [];
    const ids = new Set<number>();
    @Controller()
    class Consumer {
      @ConcurrentConsumer({ topic, group: uniqueName('g'), tags: 'x', batch: { maxMessages: 16 } })
      handle(@Payload() payloads: { id: number }[]): void {
        sizes.push(payloads.length);
        for (const { id } of payloads) ids.add(id);
      }
    }
    await makeTopic(topic);
    const { producer } = await startApp([Consumer]);
    await producer.send(Array.from({ length: 64 }, (_, id) => ({ topic, tags: 'x', body: { id } })));
    await waitFor(() => ids.size === 64, '64 messages');
    expect(Math.max(...sizes)).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16);
  });

  it('two groups get every message each; a failed message comes again, with the times it came before, and others are not held up', async () => {
    const topic = uniqueName('retry');
    const billing: number[] = [];
    const shipping: string[] = [];
    @Controller()
    class Consumer {
      @ConcurrentConsumer({ topic, group: uniqueName('billing'), tags: 'x' })
      bill(@Payload() { id }: { id: number }): void {
        billing.push(id);
      }
      @EventPattern({ topic, tags: 'x' }, { group: uniqueName('shipping') })
      ship(@Payload() { id }: { id: number }, @Ctx() context: RocketMQContext): void {
        shipping.push(`${id}/${context.getReconsumeTimes()}/${context.getTopic() === topic}`);
        if (id === 1 && context.getReconsumeTimes() < 2) throw new Error('not yet');
      }
    }
    await makeTopic(topic);
    const { producer } = await startApp([Consumer]);
    for (const id of [1, 2, 3]) await producer.send({ topic, tags: 'x', body: { id } });
    await waitFor(() => shipping.length === 5, 'three deliveries of the failing message', 30_000);
    expect(billing.toSorted()).toEqual([1, 2, 3]);
    expect(shipping.toSorted()).toEqual(['1/0/true', '1/1/true', '1/2/true', '2/0/true', '3/0/true']);
  });

  it('several members of one group share the queues', async () => {
    const topic = uniqueName('share');
    const group = uniqueName('g');
    const byMember = new Map<string, number>();
    const member = (name: string): Type => {
      @Controller()
      class Consumer {
        @ConcurrentConsumer({ topic, group, tags: 'x', rebalanceIntervalMs: 200 })
        handle(@Payload() _payload: unknown): void {
          byMember.set(name, (byMember.get(name) ?? 0) + 1);
        }
      }
      return Consumer;
    };
    await makeTopic(topic);
    const { producer } = await startApp([member('one')]);
    await startApp([member('two')]);
    let sent = 0;
    await waitFor(async () => {
      await producer.send({ topic, tags: 'x', body: { n: sent++ } });
      return byMember.size === 2;
    }, 'both members to get messages');
    await waitFor(() => [...byMember.values()].reduce((sum, n) => sum + n, 0) === sent, 'every message');
  });
});

describe('without a bus', () => {
  it('the boot fails in bounded time and names the address', async () => {
    @Controller()
    class Consumer {
      @ConcurrentConsumer({ topic: 'any', group: 'any' })
      handle(@Payload() _payload: unknown): void {}
    }
    const strategy = new RocketMQServer({
      namesrvAddr: '127.0.0.1:1',
      startAttempts: 2,
      startRetryIntervalMs: 10,
      shutdownSignals: [],
    });
    const module = await Test.createTestingModule({ controllers: [Consumer] })
      .setLogger(silent)
      .compile();
    const app = module.createNestMicroservice({ strategy });
    await expect(app.listen()).rejects.toMatchObject({
      code: 'NAMESRV_UNREACHABLE',
      message: expect.stringContaining('127.0.0.1:1'),
    });
    await app.close();
  });
});
