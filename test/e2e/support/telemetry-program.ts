import { Producer, PushConsumer, silentLogger } from '@rocknest/client-core';

/** A message to itself, with or without spans; tells by one line of JSON what came, or what was refused. */
const [namesrvAddr, topic, openTelemetry] = process.argv.slice(2);
const options = { namesrvAddr, openTelemetry: openTelemetry === 'true', logger: silentLogger };
const producer = new Producer({ ...options, group: 'PID_program' });
const consumer = new PushConsumer({ ...options, group: `CID_${topic}`, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
const tell = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

try {
  const received = new Promise((resolve) => {
    consumer.subscribe(topic);
    consumer.registerMessageListener(([{ body }]) => {
      resolve(body.toString());
      return 'CONSUME_SUCCESS';
    });
  });
  await consumer.start();
  await producer.start();
  await producer.send({ topic, body: 'hello' });
  tell({ received: await received });
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  tell({ code, message });
} finally {
  await Promise.all([producer.shutdown(), consumer.shutdown()]);
}
