import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import {
  getClientToken,
  ROCKETMQ_TRANSPORT,
  RocketMQClient,
  RocketMQContext,
  RocketMQModule,
  RocketMQServer,
} from '@rocknest/client';
import { MQAdmin, Producer, PushConsumer, type MessageExt } from '@rocknest/client-core';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { concat, EMPTY, firstValueFrom, type Observable, range, throwError, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

let cluster: RunningCluster;
let namesrvAddr: string;

beforeAll(async () => {
  cluster = await startCluster();
  namesrvAddr = cluster.namesrvAddr;
});

afterAll(async () => {
  await cluster?.stop();
});

async function createTopic(topic: string): Promise<void> {
  const admin = new MQAdmin({ namesrvAddr });
  await admin.start();
  await admin.createTopic(topic, { readQueueNums: 4, writeQueueNums: 4 });
  await admin.shutdown();
}

/** A consumer that answers each request with what `answer` makes of it, through a producer of its own. */
async function startReplier(topic: string, group: string, answer: (message: MessageExt) => string | undefined) {
  const producer = new Producer({ namesrvAddr, group: `${group}-replies` });
  const consumer = new PushConsumer({ namesrvAddr, group, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
  consumer.subscribe(topic);
  const failures: unknown[] = [];
  consumer.registerMessageListener(async (messages) => {
    for (const message of messages) {
      const body = answer(message);
      if (body !== undefined)
        await producer.reply(message, { body, tags: 'T' }).catch((error: unknown) => failures.push(error));
    }
    return 'CONSUME_SUCCESS' as const;
  });
  await producer.start();
  await consumer.start();
  const stop = async (): Promise<void> => {
    await consumer.shutdown();
    await producer.shutdown();
  };
  return { stop, failures };
}

describe('request and reply', () => {
  it('several askers and several repliers: each reply reaches who asked, compressed ones too', async () => {
    const topic = uniqueName('requests');
    const large = 'x'.repeat(20_000);
    const repliers = await Promise.all(
      [1, 2].map(() => startReplier(topic, 'GID_requests', ({ body }) => `${body.toString()} ${large}`)),
    );
    const askers = [1, 2, 3].map((n) => new Producer({ namesrvAddr, group: 'PID_askers', instanceName: `asker-${n}` }));
    await Promise.all(askers.map((asker) => asker.start()));
    const asked = Array.from({ length: 60 }, (_, n) => `request ${n}`);
    const replies = await Promise.all(
      asked.map((body, n) => askers[n % 3].request({ topic, body }, { timeoutMs: 15_000 })),
    );
    expect(replies.map(({ body }) => body.toString())).toEqual(asked.map((body) => `${body} ${large}`));
    expect(replies[0]).toMatchObject({
      topic: 'DefaultCluster_REPLY_TOPIC',
      properties: { TAGS: 'T', MSG_TYPE: 'reply' },
    });
    await Promise.all([...askers.map((asker) => asker.shutdown()), ...repliers.map(({ stop }) => stop())]);
    expect(repliers.flatMap(({ failures }) => failures)).toEqual([]);
  });

  it('no reply in time is REQUEST_TIMEOUT; a late one is dropped, and one to a client that is gone an error', async () => {
    const topic = uniqueName('requests');
    const got: MessageExt[] = [];
    const replier = await startReplier(topic, uniqueName('GID'), (message) => void got.push(message));
    const asker = new Producer({ namesrvAddr, group: 'PID_askers', instanceName: 'late' });
    const answering = new Producer({ namesrvAddr, group: 'PID_late_replies', instanceName: 'answering' });
    await asker.start();
    await answering.start();
    const failed = asker.request({ topic, body: 'x' }, { timeoutMs: 1_500 }).catch((error: unknown) => error);
    await waitFor(() => got.length > 0, 'the request');
    expect(await failed).toMatchObject({
      code: 'REQUEST_TIMEOUT',
      message: expect.stringMatching(/no reply to a request to topic/),
    });
    await answering.reply(got[0], { body: 'late' });
    await expect(answering.reply({ ...got[0], properties: {} }, { body: 'x' })).rejects.toThrow(/is no request/);
    await asker.shutdown();
    await expect(answering.reply(got[0], { body: 'gone' })).rejects.toThrow(/channel of <.*> not found/);
    await expect(asker.request({ topic, body: 'x' })).rejects.toMatchObject({ code: 'SHUT_DOWN' });
    await answering.shutdown();
    await replier.stop();
  });

  it('a request that can not be sent fails at once, and a shutdown fails those that wait', async () => {
    const topic = uniqueName('requests');
    await createTopic(topic);
    const asker = new Producer({ namesrvAddr, group: 'PID_askers', instanceName: 'alone', maxPendingSends: 1 });
    await asker.start();
    await expect(asker.request({ topic, body: '' }, { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'MESSAGE_ILLEGAL',
    });
    await expect(asker.request({ topic: 'a b', body: 'x' }, { timeoutMs: 60_000 })).rejects.toThrow(/a b/);
    const waiting = asker.request({ topic, body: 'x' }, { timeoutMs: 60_000 }).catch((error: unknown) => error);
    await expect(asker.request({ topic, body: 'x' })).rejects.toMatchObject({ code: 'TOO_MANY_PENDING_SENDS' });
    await asker.shutdown({ timeoutMs: 100 });
    expect(await waiting).toMatchObject({ code: 'SHUT_DOWN' });
  });
});

describe('request and reply with two brokers', () => {
  let two: RunningCluster;

  beforeAll(async () => {
    two = await startCluster({ brokers: 2 });
  });

  afterAll(async () => {
    await two?.stop();
  });

  it('reaches who asked by whichever broker the replier takes, for requests that both brokers and that one of them has', async () => {
    const admin = new MQAdmin({ namesrvAddr: two.namesrvAddr });
    await admin.start();
    const [everywhere, onlyB] = [uniqueName('requests'), uniqueName('requests')];
    await admin.createTopic(everywhere, { readQueueNums: 2, writeQueueNums: 2 });
    await admin.createTopic(onlyB, { readQueueNums: 2, writeQueueNums: 2 }, { brokerName: 'broker-b' });
    await admin.shutdown();
    const { namesrvAddr } = two;
    const askers = [1, 2].map((n) => new Producer({ namesrvAddr, group: 'PID_two', instanceName: `asker-${n}` }));
    const producer = new Producer({ namesrvAddr, group: 'PID_two_replies', instanceName: 'replier' });
    const consumer = new PushConsumer({ namesrvAddr, group: 'GID_two', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    const answeredBy = new Set<string>();
    for (const topic of [everywhere, onlyB]) consumer.subscribe(topic);
    consumer.registerMessageListener(async (messages) => {
      for (const message of messages) {
        // By its own broker, or by the other one, as a client that knows nothing of brokers may choose.
        const [near, far] = message.brokerName === 'broker-a' ? ['broker-a', 'broker-b'] : ['broker-b', 'broker-a'];
        const brokerName = message.body.toString().startsWith('far') ? far : near;
        answeredBy.add(`${message.topic} ${message.brokerName} ${brokerName}`);
        await producer.reply({ ...message, brokerName }, { body: message.body });
      }
      return 'CONSUME_SUCCESS' as const;
    });
    await Promise.all([...askers, producer].map((client) => client.start()));
    await consumer.start();
    for (const topic of [onlyB, everywhere]) {
      // Eight in a row of each way: producers take the queues in turns.
      const asked = Array.from({ length: 32 }, (_, n) => `${n % 16 < 8 ? 'far' : 'near'} ${n}`);
      const replies = await Promise.all(
        asked.map((body, n) => askers[n >> 4].request({ topic, body }, { timeoutMs: 15_000 })),
      );
      expect(replies.map(({ body }) => body.toString())).toEqual(asked);
    }
    const both = ['broker-a broker-a', 'broker-a broker-b', 'broker-b broker-a', 'broker-b broker-b'];
    expect([...answeredBy].sort()).toEqual(
      [...both.map((way) => `${everywhere} ${way}`), ...both.slice(2).map((way) => `${onlyB} ${way}`)].sort(),
    );
    await consumer.shutdown();
    await Promise.all([...askers, producer].map((client) => client.shutdown()));
  });
});

describe('Nest', () => {
  const topic = uniqueName('sums');
  const seen: string[] = [];

  @Controller()
  class SumController {
    @MessagePattern(`${topic}:add`, ROCKETMQ_TRANSPORT, { group: `GID_${topic}_add` })
    add(@Payload() numbers: number[], @Ctx() context: RocketMQContext): { sum: number } {
      seen.push(context.getMessage().msgId);
      return { sum: numbers.reduce((a, b) => a + b, 0) };
    }

    @MessagePattern(`${topic}:count`, ROCKETMQ_TRANSPORT, { group: `GID_${topic}_count` })
    count(@Payload() to: number): Observable<number> {
      return to === 0 ? EMPTY : range(1, to);
    }

    @MessagePattern(`${topic}:break`, ROCKETMQ_TRANSPORT, { group: `GID_${topic}_break` })
    break(@Payload() at: number): Observable<number> {
      return concat(
        range(1, at),
        throwError(() => new RpcException(`broken after ${at}`)),
      );
    }

    @MessagePattern(`${topic}:fail`, ROCKETMQ_TRANSPORT, { group: `GID_${topic}_fail` })
    fail(@Payload() why: string): never {
      seen.push(why);
      throw why === 'mine' ? new RpcException({ code: 7 }) : new Error('secret');
    }
  }

  let apps: INestMicroservice[];
  let client: RocketMQClient;

  beforeAll(async () => {
    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [SumController] })
    class AppModule {}
    await createTopic(topic);
    apps = [];
    for (let i = 0; i < 2; i++) {
      const app = await NestFactory.createMicroservice(AppModule, {
        strategy: new RocketMQServer({ consumer: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } }),
        logger: false,
      });
      await app.listen();
      apps.push(app);
    }
    client = apps[0].get<RocketMQClient>(getClientToken());
  });

  afterAll(async () => {
    for (const app of apps ?? []) await app.close();
  });

  it('ClientProxy.send gives what the @MessagePattern handler returns, through two instances', async () => {
    const sums = await Promise.all(
      Array.from({ length: 20 }, (_, n) => firstValueFrom(client.send<{ sum: number }>(`${topic}:add`, [n, 1]))),
    );
    expect(sums).toEqual(Array.from({ length: 20 }, (_, n) => ({ sum: n + 1 })));
  });

  it('what the handler throws is the error, and the request does not come again', async () => {
    await expect(firstValueFrom(client.send(`${topic}:fail`, 'mine'))).rejects.toEqual({ code: 7 });
    await expect(firstValueFrom(client.send(`${topic}:fail`, 'other'))).rejects.toEqual({
      status: 'error',
      message: 'Internal server error',
    });
    expect(seen.filter((why) => why === 'mine' || why === 'other')).toEqual(['mine', 'other']);
  });

  it('of an Observable the last value is the reply, null without one, and an error that ends it', async () => {
    expect(await firstValueFrom(client.send(`${topic}:count`, 3))).toBe(3);
    expect(await firstValueFrom(client.send(`${topic}:count`, 0))).toBeNull();
    const broken = client.send(`${topic}:break`, 2).pipe(toArray());
    await expect(firstValueFrom(broken)).rejects.toEqual({ status: 'error', message: 'broken after 2' });
  });

  it('no reply in time is REQUEST_TIMEOUT', async () => {
    const hasty = new RocketMQClient({ namesrvAddr, group: `PID_${topic}_hasty`, requestTimeoutMs: 700 });
    const lost = uniqueName('nobody');
    await createTopic(lost);
    await expect(firstValueFrom(hasty.send(lost, 1))).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
      message: expect.stringContaining(`no reply to a request to topic ${lost} within 700 ms`),
    });
    await hasty.close();
  });

  it('an event to a @MessagePattern handler is handled and not answered', async () => {
    const before = seen.length;
    await firstValueFrom(client.emit(`${topic}:add`, [1]));
    await waitFor(() => seen.length === before + 1, 'the event');
  });
});
