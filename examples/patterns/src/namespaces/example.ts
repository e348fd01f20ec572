import { PushConsumer, silentLogger } from '@rocknest/client-core';
import { RocketMQProducer } from '@rocknest/client';
import type { Pattern } from '../pattern.js';

const TOPIC = 'pattern-namespaces';
const TENANTS = ['red', 'blue'];

const pattern: Pattern = {
  about: 'two tenants that use the same names of topics and groups on one cluster',
  async run({ namesrvAddr, runId, say, until }) {
    const received: string[] = [];
    const tenants = await Promise.all(
      TENANTS.map(async (namespace) => {
        const consumer = new PushConsumer({
          namesrvAddr,
          group: 'pattern-namespaces',
          namespace,
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          logger: silentLogger,
        });
        consumer.subscribe(TOPIC);
        consumer.registerMessageListener(([message]) => {
          const body = message.body.toString();
          if (body.endsWith(runId)) received.push(`${namespace} got ${body} of ${message.topic}`);
          return 'CONSUME_SUCCESS';
        });
        const producer = new RocketMQProducer({ namesrvAddr, group: 'pattern-namespaces', namespace });
        await producer.send({ topic: TOPIC, body: `an order of ${namespace} ${runId}` });
        await consumer.start();
        return { consumer, producer };
      }),
    );
    await until('an order for each tenant', () => received.length >= TENANTS.length);
    for (const line of [...received].sort()) say(line);
    if (new Set(received).size !== TENANTS.length)
      throw new Error(`a tenant got what is not its own: ${received.join('; ')}`);
    for (const { consumer, producer } of tenants) {
      await producer.shutdown();
      await consumer.shutdown();
    }
  },
};

export default pattern;
