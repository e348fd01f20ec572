import { MQAdmin } from '@rocknest/client-core';
import { RocketMQProducer } from '@rocknest/client';
import type { Pattern } from '../pattern.js';

const TOPIC = 'pattern-lookup';
const ORDERS = 5;

const pattern: Pattern = {
  about: 'stored messages found by key, by key and time, by unique id and by place, without a consumer',
  async run({ namesrvAddr, runId, say, until }) {
    const admin = new MQAdmin({ namesrvAddr });
    await admin.start();
    await admin.createTopic(TOPIC, { readQueueNums: 4, writeQueueNums: 4 });
    const producer = new RocketMQProducer({ namesrvAddr, group: 'pattern-lookup' });
    const startedMs = Date.now();
    const customer = `customer-${runId}`;
    const results = [];
    for (let n = 0; n < ORDERS; n++) {
      // Two keys for each message: what somebody will ask for.
      results.push(await producer.send({ topic: TOPIC, keys: [`order-${runId}-${n}`, customer], body: { order: n } }));
    }
    const texts = async (key: string, range = {}): Promise<string[]> =>
      (await producer.queryMessage(TOPIC, key, range)).messages.map(({ body }) => body.toString());

    // RocketMQ's brokers index a message some milliseconds after they answered its send; ours has it at once.
    await until('the index of all orders', async () => (await texts(customer)).length === ORDERS);
    say(`key ${customer}: ${(await texts(customer)).join(' ')}`);
    const one = await texts(`order-${runId}-3`);
    say(`key order-${runId}-3: ${one.join(' ')}`);
    const newest = await texts(customer, { maxNum: 1, beginMs: startedMs - 1_000 });
    say(`one of them at most, since this run began: ${newest.join(' ')}`);
    const before = await texts(customer, { endMs: startedMs - 60_000 });
    say(`stored a minute ago or earlier: ${before.length}`);

    const { msgId, offsetMsgId } = results[2];
    const byId = await producer.viewMessage(TOPIC, msgId);
    const byPlace = await admin.viewMessage(offsetMsgId);
    say(`${msgId} and ${offsetMsgId}: queue ${byId.queueId}, offset ${byId.queueOffset}, ${byId.body.toString()}`);
    const missing = await producer.viewMessage(TOPIC, `${msgId.slice(0, 28)}FFFF`).catch((error: unknown) => error);
    say(`an id of no message: ${(missing as { code: string }).code}`);
    await producer.shutdown();
    await admin.shutdown();

    if (one.join() !== '{"order":3}' || newest.length === 0 || before.length > 0) throw new Error('wrong messages');
    if (byId.physicalOffset !== byPlace.physicalOffset) throw new Error('the ids named different messages');
  },
};

export default pattern;
