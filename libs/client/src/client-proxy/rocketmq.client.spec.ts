import { Logger } from '@nestjs/common';
import type { MessageExt } from '@rocknest/client-core';
import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { MemoryLogger } from '../../test/consumer-application.js';
import { FakeClientFactory, testMessage } from '../../test/fake-clients.js';
import { RocketMQClient, RocketMQRecord, RocketMQRecordBuilder } from '../index.js';

const clients: RocketMQClient[] = [];

function createClient(clientFactory = new FakeClientFactory()) {
  const client = new RocketMQClient({ clientFactory });
  clients.push(client);
  return { client, clientFactory, sent: () => clientFactory.producers.flatMap(({ sent }) => sent) };
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

describe('RocketMQClient.emit', () => {
  it('sends without anyone subscribing, and gives the SendResult to those who subscribe, late ones too', async () => {
    const { client, sent } = createClient();
    const outcome = client.emit('orders', { id: 1 });
    await waitFor(() => sent().length === 1);
    const results = await lastValueFrom(outcome.pipe(toArray()));
    expect(results).toMatchObject([{ status: 'SEND_OK', msgId: 'S1' }]);
    expect(sent()).toHaveLength(1);
  });

  it('a record carries tags, keys, properties and delay', async () => {
    const { client, sent } = createClient();
    const record = new RocketMQRecordBuilder({ id: 1 })
      .setTags('created')
      .setKeys(['a', 'b'])
      .setProperties({ x: '1' })
      .setProperties({ y: '2' })
      .setDelayTimeLevel(3)
      .setFlag(9)
      .setWaitStoreOk(false)
      .build();
    await lastValueFrom(client.emit('orders', record));
    expect(sent()).toEqual([
      {
        topic: 'orders',
        body: '{"id":1}',
        tags: 'created',
        keys: ['a', 'b'],
        properties: { x: '1', y: '2' },
        delayTimeLevel: 3,
        flag: 9,
        waitStoreOk: false,
      },
    ]);
  });

  it('patterns: text with a tag, object; the tag of a record goes before that of the pattern', async () => {
    const { client, sent } = createClient();
    await lastValueFrom(client.emit('orders:paid', 'x'));
    await lastValueFrom(client.emit({ topic: 'orders', tags: 'paid' }, 'x'));
    await lastValueFrom(client.emit('orders:paid', new RocketMQRecord('x', { tags: 'refunded' })));
    expect(sent().map((message) => (message as { tags?: string }).tags)).toEqual(['paid', 'paid', 'refunded']);
    await expect(lastValueFrom(client.emit('orders:a||b', 'x'))).rejects.toThrow(
      'has the tags a, b; a message has one',
    );
    await expect(lastValueFrom(client.emit({ cmd: 'sum' }, 'x'))).rejects.toThrow('is none that this transport knows');
    await expect(lastValueFrom(client.emit('orders', null))).rejects.toThrow('null and undefined are no payload');
  });

  it('a failure that nobody observes is logged, one that somebody observes is theirs', async () => {
    const logger = new MemoryLogger();
    Logger.overrideLogger(logger);
    try {
      const { client, clientFactory } = createClient();
      clientFactory.sendError = new Error('broker is gone');
      await expect(lastValueFrom(client.emit('orders', 1))).rejects.toThrow('broker is gone');
      expect(logger.lines).toEqual([]);
      client.emit('orders', 2);
      await waitFor(() => logger.having("emit('orders') failed: Error: broker is gone").length === 1);
    } finally {
      Logger.overrideLogger(['error', 'warn']);
    }
  });

  it('a failed first connect is not remembered (nest#10449)', async () => {
    const { client, clientFactory } = createClient();
    clientFactory.producerStart = () => Promise.reject(new Error('no namesrv answered'));
    await expect(client.connect()).rejects.toThrow('no namesrv answered');
    await expect(lastValueFrom(client.emit('orders', 1))).rejects.toThrow('no namesrv answered');
    clientFactory.producerStart = () => Promise.resolve();
    await expect(lastValueFrom(client.emit('orders', 1))).resolves.toMatchObject({ status: 'SEND_OK' });
  });

  it('can be used again after a close', async () => {
    const { client, clientFactory } = createClient();
    await lastValueFrom(client.emit('orders', 1));
    await client.close();
    await lastValueFrom(client.emit('orders', 2));
    expect(clientFactory.producers.map(({ isShutDown }) => isShutDown)).toEqual([true, false]);
  });
});

describe('RocketMQClient.send', () => {
  it('asks when somebody subscribes, and gives the payload of the reply', async () => {
    const { client, sent, clientFactory } = createClient();
    await client.connect();
    clientFactory.producers[0].replyTo = async ({ body }) => testMessage('c_REPLY_TOPIC', `{"got":${String(body)}}`);
    const answer = client.send('sums:add', [1, 2]);
    expect(sent()).toHaveLength(0);
    expect(await lastValueFrom(answer)).toEqual({ got: [1, 2] });
    expect(await lastValueFrom(answer)).toEqual({ got: [1, 2] });
    expect(sent()).toEqual([1, 2].map(() => ({ topic: 'sums', tags: 'add', body: '[1,2]' })));
  });

  it('an error of the replier is the error of the Observable, and so is a failed request', async () => {
    const { client, clientFactory } = createClient();
    await client.connect();
    clientFactory.producers[0].replyTo = async () =>
      testMessage('c_REPLY_TOPIC', '{"status":"error","message":"no"}', { properties: { rocknestReplyError: 'true' } });
    await expect(lastValueFrom(client.send('sums', 1))).rejects.toEqual({ status: 'error', message: 'no' });
    clientFactory.producers[0].replyTo = () => Promise.reject(new Error('no reply'));
    await expect(lastValueFrom(client.send('sums', 1))).rejects.toThrow('no reply');
    await expect(lastValueFrom(client.send({ cmd: 'sum' }, 1))).rejects.toThrow('is none that this transport knows');
  });

  it('a reply that nobody waits for any more is dropped', async () => {
    const { client, clientFactory } = createClient();
    await client.connect();
    let reply!: (message: MessageExt) => void;
    clientFactory.producers[0].replyTo = () => new Promise((resolve) => (reply = resolve));
    const seen: unknown[] = [];
    const subscription = client.send('sums', 1).subscribe((value) => seen.push(value));
    await waitFor(() => clientFactory.producers[0].sent.length === 1);
    subscription.unsubscribe();
    reply(testMessage('c_REPLY_TOPIC', '1'));
    await Promise.resolve();
    expect(seen).toEqual([]);
  });
});
