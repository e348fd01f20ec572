import { describe, expect, it } from 'vitest';
import { FakeClientFactory } from '../../test/fake-clients.js';
import { RocketMQProducer } from './rocketmq.producer.js';

function createProducer() {
  const clientFactory = new FakeClientFactory();
  return { clientFactory, producer: new RocketMQProducer({ clientFactory, namesrvAddr: '10.0.0.1:9876', group: 'g' }) };
}

describe('RocketMQProducer', () => {
  it('send: payloads become bodies; a batch is one call', async () => {
    const { producer, clientFactory } = createProducer();
    await producer.start();
    const result = await producer.send({ topic: 't', body: { id: 1 }, tags: 'a', keys: 'k', properties: { p: 'v' } });
    expect(result.status).toBe('SEND_OK');
    await producer.send([
      { topic: 't', body: 'text' },
      { topic: 't', body: Buffer.from([1]) },
    ]);
    expect(clientFactory.producers[0].sent).toEqual([
      { topic: 't', body: '{"id":1}', tags: 'a', keys: 'k', properties: { p: 'v' } },
      [
        { topic: 't', body: 'text', properties: { rocknestBody: 'text' } },
        { topic: 't', body: Buffer.from([1]), properties: { rocknestBody: 'bytes' } },
      ],
    ]);
    await producer.shutdown();
  });

  it('sendAsync and sendOneway, started or not', async () => {
    const { producer, clientFactory } = createProducer();
    const sendAsync = (body: unknown) =>
      new Promise((onSuccess, onException) => producer.sendAsync({ topic: 't', body }, { onSuccess, onException }));
    await sendAsync(1);
    await sendAsync(2);
    await producer.sendOneway({ topic: 't', body: 3 });
    expect(clientFactory.producers[0].sent.map((message) => (message as { body: string }).body)).toEqual([
      '1',
      '2',
      '3',
    ]);
    await expect(sendAsync(undefined)).rejects.toThrow('has no JSON form');
    expect(await producer.fetchPublishMessageQueues('t')).toHaveLength(1);
    expect(await producer.queryMessage('t', 'k')).toMatchObject({ messages: [] });
    await expect(producer.viewMessage('t', 'id')).rejects.toMatchObject({ code: 'NO_MESSAGE' });
    await producer.shutdown();
  });

  it('a payload without a form rejects and does not throw', async () => {
    const { producer } = createProducer();
    await producer.start();
    await expect(producer.send({ topic: 't', body: undefined })).rejects.toThrow('has no JSON form');
    await producer.shutdown();
  });

  it('an asynchronous serializer is waited for', async () => {
    const clientFactory = new FakeClientFactory();
    const serializer = { serialize: async (payload: unknown) => ({ body: Buffer.from(`<${String(payload)}>`) }) };
    const producer = new RocketMQProducer({ clientFactory, serializer, namesrvAddr: 'h:1' });
    await producer.start();
    await producer.send({ topic: 't', body: 1 });
    await producer.send([{ topic: 't', body: 2 }]);
    await new Promise((onSuccess, onException) =>
      producer.sendAsync({ topic: 't', body: 3 }, { onSuccess, onException }),
    );
    const bodies = clientFactory.producers[0].sent.flat().map(({ body }) => String(body));
    expect(bodies).toEqual(['<1>', '<2>', '<3>']);
    await producer.shutdown();
  });

  it('a failed start closes what it opened and may be tried again', async () => {
    const { producer, clientFactory } = createProducer();
    clientFactory.producerStart = () => Promise.reject(new Error('unreachable'));
    await expect(producer.start()).rejects.toThrow('unreachable');
    expect(clientFactory.producers[0].isShutDown).toBe(true);
    clientFactory.producerStart = () => Promise.resolve();
    await producer.start();
    await producer.shutdown();
  });

  it('a shutdown during the start closes what the start opens; later sends are refused', async () => {
    const { producer, clientFactory } = createProducer();
    let go!: () => void;
    clientFactory.producerStart = () => new Promise((resolve) => (go = resolve));
    const started = producer.start();
    const closed = producer.shutdown();
    go();
    await Promise.all([started, closed, producer.shutdown()]);
    expect(clientFactory.producers[0].isShutDown).toBe(true);
    expect(producer.unwrap()).toBeUndefined();
    await expect(producer.send({ topic: 't', body: 1 })).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });

  it('shutdown of one that never started does nothing', async () => {
    const { producer, clientFactory } = createProducer();
    await producer.shutdown();
    expect(clientFactory.producers).toHaveLength(0);
  });
});
