import { MQAdmin, type MessageInput, Producer, type ProducerOptions, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JavaClient } from './support/java-client.js';
import { type Target, startTarget } from './support/target.js';
import { requireToolchain } from './support/toolchain.js';

const TOPIC = 'wrong-uses';
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const SEND_TIMEOUT_MS = 30_000;
const RESERVED = ['KEYS', 'TAGS', 'DELAY', 'WAIT', 'UNIQ_KEY', 'REAL_TOPIC', 'TRAN_MSG', 'PGROUP', 'TIMER_DELAY_MS'];

/** What we refuse and the Java client takes, each with the reason. */
const STRICTER: Readonly<Record<string, string>> = {
  'timer message in order': 'its order would silently be lost: it is stored when it is due',
};

let cluster: Target;
let java: JavaClient;
let producer: Producer;

beforeAll(async () => {
  requireToolchain();
  cluster = await startTarget({ brokerName: 'broker-a' });
  java = new JavaClient('5.4.0', cluster.namesrvAddr);
  const admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr });
  await admin.start();
  for (const topic of [TOPIC, `${TOPIC}-other`]) await admin.createTopic(topic);
  await admin.shutdown();
  producer = await started({ group: 'PID_wrong' });
});

afterAll(async () => {
  await producer?.shutdown();
  await java?.stop();
  await cluster?.stop();
});

async function started(options: Partial<ProducerOptions> & { group: string }): Promise<Producer> {
  const { namesrvAddr } = cluster;
  const made = new Producer({ namesrvAddr, sendMsgTimeoutMs: SEND_TIMEOUT_MS, logger: silentLogger, ...options });
  await made.start();
  return made;
}

async function start(group: string): Promise<void> {
  await (await started({ group, instanceName: 'wrong-group' })).shutdown();
}

const message = (more: Partial<MessageInput> = {}): MessageInput => ({ topic: TOPIC, body: 'text', ...more });
const send = (more: Partial<MessageInput>) => (): Promise<unknown> => producer.send(message(more));

/** The uses of `WrongUses.java`, in our client's words, and what the error must name. */
const USES: Readonly<Record<string, readonly [use: () => Promise<unknown>, names: RegExp]>> = {
  'batch with a delay level': [
    () => producer.send([message(), message({ delayTimeLevel: 3 })]),
    /batch.*delay|delay.*batch/i,
  ],
  'batch of two topics': [() => producer.send([message(), message({ topic: `${TOPIC}-other` })]), /topic/],
  'batch with and without waitStoreMsgOK': [
    () => producer.send([message(), message({ waitStoreOk: false })]),
    /waitStoreOk/,
  ],
  'batch to a retry topic': [
    () => producer.send([message({ topic: '%RETRY%GID_wrong' }), message({ topic: '%RETRY%GID_wrong' })]),
    /retr/,
  ],
  'batch of no messages': [() => producer.send([]), /batch|messages/],
  ...Object.fromEntries(
    RESERVED.map((name) => [
      `reserved property ${name}`,
      [send({ properties: { [name]: 'x' } }), new RegExp(`property "${name}" is reserved`)] as const,
    ]),
  ),
  'property without a value': [send({ properties: { mine: '' } }), /property "mine" is empty/],
  'property without a name': [send({ properties: { '': 'x' } }), /empty name/],
  'empty body': [send({ body: '' }), /body .* is empty/],
  'no body': [send({ body: undefined }), /body .* is undefined/],
  'body above the limit': [send({ body: Buffer.alloc(MAX_BODY_BYTES + 1) }), /4194305 bytes, more than .* 4194304/],
  'timer message in order': [
    () => producer.send(message({ delayTimeMs: 60_000 }), { selector: (queues) => queues[0], selectorArg: 'order' }),
    /in order/,
  ],
  'empty topic': [send({ topic: '' }), /topic/],
  'topic with a blank': [send({ topic: 'a b' }), /topic: a b, contains illegal/],
  'topic with other characters': [send({ topic: 'a/b' }), /topic: a\/b, contains illegal/],
  'topic of 128 characters': [send({ topic: 't'.repeat(128) }), /127/],
  'topic of the broker': [send({ topic: 'SCHEDULE_TOPIC_XXXX' }), /SCHEDULE_TOPIC_XXXX/],
  'topic of half messages': [send({ topic: 'RMQ_SYS_TRANS_HALF_TOPIC' }), /RMQ_SYS_TRANS_HALF_TOPIC/],
  'group with a blank': [() => start('a b'), /group.*a b/],
  'empty group': [() => start(''), /group/],
  'group of 256 characters': [() => start('g'.repeat(256)), /group max length/],
  'default group': [() => start('DEFAULT_PRODUCER'), /DEFAULT_PRODUCER/],
  'queue of another topic': [
    () => producer.send(message(), { queue: { topic: `${TOPIC}-other`, brokerName: 'broker-a', queueId: 0 } }),
    /queue of topic wrong-uses-other/,
  ],
  'send before the start': [
    () => new Producer({ namesrvAddr: cluster.namesrvAddr, group: 'PID_not_started' }).send(message()),
    /start/,
  ],
  'transaction without a listener': [() => producer.sendMessageInTransaction(message()), /transactionListener/],
  'reply to what is no request': [
    async () => {
      const { offsetMsgId } = await producer.send(message());
      return producer.reply(await producer.viewMessage(TOPIC, offsetMsgId), { body: 'x' });
    },
    /is no request/,
  ],
};

describe('wrong uses of a producer (item 1: sending)', () => {
  it('are refused by our client as by the official one, each with an error that names what is wrong', async () => {
    const { verdicts } = (await java.run('wrong-uses', { topic: TOPIC })) as unknown as {
      verdicts: Record<string, string | null>;
    };
    expect(Object.keys(USES).sort()).toEqual(Object.keys(verdicts).sort());
    const unclear: string[] = [];
    const different: string[] = [];
    for (const [name, [use, names]] of Object.entries(USES)) {
      const refusal = await use().then(
        () => undefined,
        (error: unknown) => error as { code?: unknown; message: string },
      );
      const inJava = verdicts[name] ?? undefined;
      if ((refusal === undefined) !== (inJava === undefined) && STRICTER[name] === undefined) {
        different.push(`${name}: ours ${refusal?.message ?? 'takes it'}; Java ${inJava ?? 'takes it'}`);
      }
      if (refusal === undefined) continue;
      if (typeof refusal.code !== 'string' || !names.test(refusal.message)) unclear.push(`${name}: ${refusal.message}`);
    }
    expect(different).toEqual([]);
    expect(unclear).toEqual([]);
    const taken = Object.keys(STRICTER).filter((name) => verdicts[name] !== null);
    expect(taken, 'what the Java client refuses by now').toEqual([]);
  });
});
