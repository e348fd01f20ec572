import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { ROCKETMQ_TRANSPORT, RocketMQClient, RocketMQModule, RocketMQServer } from '@rocknest/client';
import { MQAdmin, Producer, PushConsumer } from '@rocknest/client-core';
import { firstValueFrom, from } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { type HarnessProcess, JavaClient } from './support/java-client.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

const VERSIONS = ['4.9.8', '5.4.0'];
const REQUESTS = 40;
const TIMEOUT_MS = 30_000;
/** For what nobody answers; the Java client must have found its route and sent within it, on a busy machine too. */
const IN_VAIN_MS = 6_000;
const NEST_TOPIC = 'nest-answers';

async function createTopic(namesrvAddr: string, topic: string): Promise<void> {
  const admin = new MQAdmin({ namesrvAddr });
  await admin.start();
  await admin.createTopic(topic, { readQueueNums: 8, writeQueueNums: 8 });
  await admin.shutdown();
}

/** Compresses nearly everything: with zlib, which clients of 4.x read too. */
async function startProducer(namesrvAddr: string, group: string): Promise<Producer> {
  const producer = new Producer({
    namesrvAddr,
    group,
    instanceName: group,
    sendMsgTimeoutMs: TIMEOUT_MS,
    compressMsgBodyOverBytes: 10,
  });
  await producer.start();
  return producer;
}

/** Answers a request with its text behind `ours:`. */
async function startOurReplier(namesrvAddr: string, topic: string): Promise<{ stop(): Promise<void> }> {
  const producer = await startProducer(namesrvAddr, `PID_reply_${topic}`);
  const consumer = new PushConsumer({
    namesrvAddr,
    group: `GID_${topic}`,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  });
  consumer.subscribe(topic);
  consumer.registerMessageListener(async (messages) => {
    for (const message of messages) {
      const reply = { body: `ours:${message.body.toString()}` };
      await producer.reply(message, reply).catch((error: unknown) => {
        // Who asked may be gone.
        if (!String(error).includes('push reply message fail')) throw error;
      });
    }
    return 'CONSUME_SUCCESS' as const;
  });
  await consumer.start();
  return {
    async stop() {
      await consumer.shutdown();
      await producer.shutdown();
    },
  };
}

@Controller()
class NestAnswers {
  @MessagePattern(`${NEST_TOPIC}:double`, ROCKETMQ_TRANSPORT, { group: 'GID_nest_double', deserializer: 'text' })
  double(@Payload() text: string): string {
    return `${text} ${text}`;
  }

  @MessagePattern(`${NEST_TOPIC}:several`, ROCKETMQ_TRANSPORT, { group: 'GID_nest_several', deserializer: 'text' })
  several(@Payload() text: string) {
    return from(['first', 'second', `last of ${text}`]);
  }

  @MessagePattern(`${NEST_TOPIC}:refuse`, ROCKETMQ_TRANSPORT, { group: 'GID_nest_refuse', deserializer: 'text' })
  refuse(@Payload() text: string): never {
    throw new RpcException(`${text} is refused`);
  }
}

async function startNestAnswers(namesrvAddr: string): Promise<INestMicroservice> {
  @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [NestAnswers] })
  class AnswersModule {}

  const app = await NestFactory.createMicroservice(AnswersModule, {
    strategy: new RocketMQServer({ consumer: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } }),
    logger: false,
  });
  await app.listen();
  return app;
}

const ready = (replier: HarnessProcess): Promise<unknown> =>
  replier.waitFor(({ event }) => event === 'ready', 'the replier');

const CLUSTERS = {
  'our broker': () => startRocknestCluster(),
  'the official broker 5.4.0': () => startOfficialCluster(),
};

describe.each(Object.entries(CLUSTERS))('on %s (item 5: request-reply)', (_name, start) => {
  let cluster: { namesrvAddr: string; stop(): Promise<void> };
  let javas: JavaClient[] = [];

  beforeAll(async () => {
    requireToolchain();
    cluster = await start();
    javas = VERSIONS.map((version) => new JavaClient(version, cluster.namesrvAddr));
  });

  afterAll(async () => {
    await Promise.all(javas.map((java) => java.stop()));
    await cluster?.stop();
  });

  it('each of many askers gets its own replies from many repliers, all of them processes of their own and of all clients', async () => {
    const topic = 'all-ask-all';
    await createTopic(cluster.namesrvAddr, topic);
    const repliers = javas.map((java) => java.start('reply', { topic, group: `GID_${topic}` }));
    await Promise.all(repliers.map(ready));
    const ourReplier = await startOurReplier(cluster.namesrvAddr, topic);
    const ours = await Promise.all([1, 2].map((n) => startProducer(cluster.namesrvAddr, `PID_ours_${n}`)));
    const askJava = javas.map(async (java) => {
      const prefix = `java-${java.version}`;
      const asked = await java.run('ask', { topic, prefix, count: REQUESTS, 'timeout-ms': TIMEOUT_MS });
      expect(asked).toMatchObject({ timeouts: 0, errors: 0 });
      return (asked.replies as string[]).map((reply, n) => ({ reply, expected: `${prefix} ${n}` }));
    });
    const askOurs = ours.map((asker, who) =>
      Promise.all(
        Array.from({ length: REQUESTS }, async (_, n) => {
          const expected = `ours-${who} ${n}`;
          const { body } = await asker.request({ topic, body: expected }, { timeoutMs: TIMEOUT_MS });
          return { reply: body.toString(), expected };
        }),
      ),
    );
    const all = (await Promise.all([...askJava, ...askOurs])).flat();
    expect(all).toHaveLength(4 * REQUESTS);
    const text = (reply: string): string => reply.slice(reply.indexOf(':') + 1);
    expect(all.map(({ reply }) => text(reply))).toEqual(all.map(({ expected }) => expected));
    expect(new Set(all.map(({ reply }) => reply.split(':')[0]))).toEqual(new Set(['java', 'ours']));
    const done = await Promise.all(repliers.map((replier) => replier.finish()));
    for (const { sent } of done) expect(sent).toBeGreaterThan(0);
    await Promise.all(ours.map((asker) => asker.shutdown()));
    await ourReplier.stop();
  });

  /** The Java replier is killed; who asks then is told that there was no reply, and gets the next one's. */
  async function loseReplier(java: JavaClient): Promise<void> {
    const topic = `dying-${java.version.replaceAll('.', '-')}`;
    await createTopic(cluster.namesrvAddr, topic);
    const asker = await startProducer(cluster.namesrvAddr, `PID_${topic}`);
    const victim = java.start('reply', { topic, group: `GID_${topic}` });
    await ready(victim);
    const ask = (text: string, timeoutMs: number) => asker.request({ topic, body: text }, { timeoutMs });
    expect((await ask('alive', TIMEOUT_MS)).body.toString()).toBe('java:alive');
    await victim.kill();
    const inVain = java.run('ask', { topic, count: 2, 'timeout-ms': IN_VAIN_MS });
    await expect(ask('dead', 1_500)).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
      message: expect.stringContaining(`no reply to a request to topic ${topic} within 1500 ms`),
    });
    // The Java client's word for it.
    expect(await inVain).toMatchObject({ timeouts: 2 });
    const next = await startOurReplier(cluster.namesrvAddr, topic);
    // What was asked meanwhile is answered too late, and to nobody.
    expect((await ask('again', TIMEOUT_MS)).body.toString()).toBe('ours:again');
    await next.stop();
    await asker.shutdown();
  }

  it('a replier that dies is a time-out with a clear error, and the next one answers', async () => {
    await Promise.all(javas.map(loseReplier));
  });

  it('a Java client is answered by @MessagePattern handlers: values, the last of several, and errors', async () => {
    await createTopic(cluster.namesrvAddr, NEST_TOPIC);
    const app = await startNestAnswers(cluster.namesrvAddr);
    const options = {
      topic: NEST_TOPIC,
      tags: 'double,several,refuse',
      prefix: 'n',
      count: 6,
      'timeout-ms': TIMEOUT_MS,
    };
    for (const asked of await Promise.all(javas.map((java) => java.run('ask', options)))) {
      expect(asked).toMatchObject({ timeouts: 0, errors: 2 });
      const error = (text: string): unknown => ({ status: 'error', message: `${text} is refused` });
      const [doubled, last, refused, ...more] = asked.replies as string[];
      expect([doubled, last, JSON.parse(refused)]).toEqual(['n 0 n 0', 'last of n 1', error('n 2')]);
      expect([...more.slice(0, 2), JSON.parse(more[2])]).toEqual(['n 3 n 3', 'last of n 4', error('n 5')]);
    }
    await app.close();
  });

  it('ClientProxy.send() is answered by Java repliers, and times out without one', async () => {
    const topic = 'nest-asks';
    await createTopic(cluster.namesrvAddr, topic);
    const repliers = javas.map((java) => java.start('reply', { topic, group: `GID_${topic}` }));
    await Promise.all(repliers.map(ready));
    const { namesrvAddr } = cluster;
    const client = new RocketMQClient({ namesrvAddr, requestTimeoutMs: TIMEOUT_MS, deserializer: 'text' });
    const hasty = new RocketMQClient({ namesrvAddr, group: 'PID_hasty', requestTimeoutMs: 1_500 });
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) => firstValueFrom(client.send<string>(topic, `question ${n}`))),
    );
    expect(replies).toEqual(replies.map((_, n) => `java:question ${n}`));
    await Promise.all(repliers.map((replier) => replier.finish()));
    await expect(firstValueFrom(hasty.send(topic, 'to nobody'))).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
    await client.close();
    await hasty.close();
  });
});
