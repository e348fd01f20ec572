import { Producer, PullConsumer } from '@rocknest/client-core';
import type { Pattern } from '../pattern.js';

const TOPIC = 'pattern-pull-consumer';
const ORDERS = 10;

const pattern: Pattern = {
  about: 'pulls from queues and offsets that the program chooses',
  async run({ namesrvAddr, runId, say, until }) {
    const producer = new Producer({ namesrvAddr, group: 'pattern-pull-consumer' });
    const consumer = new PullConsumer({ namesrvAddr, group: 'pattern-pull-consumer' });
    await producer.start();
    await consumer.start();
    try {
      for (let n = 0; n < ORDERS; n++) await producer.send({ topic: TOPIC, body: `${runId}-${n}` });
      const found = new Set<string>();
      await until(`${ORDERS} orders pulled`, async () => {
        for (const queue of await consumer.fetchSubscribeMessageQueues(TOPIC)) {
          const offset = Math.max(0, await consumer.fetchConsumeOffset(queue));
          const { messages, nextBeginOffset } = await consumer.pull(queue, '*', offset, 32);
          for (const message of messages) found.add(message.body.toString());
          consumer.updateConsumeOffset(queue, nextBeginOffset);
        }
        return [...found].filter((order) => order.startsWith(runId)).length === ORDERS;
      });
      await consumer.persist();
      say(`${ORDERS} orders pulled, the offsets are stored`);
    } finally {
      await consumer.shutdown();
      await producer.shutdown();
    }
  },
};

export default pattern;
