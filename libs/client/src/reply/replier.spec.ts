import { RpcException } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { FakeClientFactory, testMessage } from '../../test/fake-clients.js';
import { DefaultMessageSerializer } from '../serde/message-serializer.js';
import { isRequest } from './reply-format.js';
import { Replier } from './replier.js';

const REQUEST = testMessage('sums', '1', { properties: { REPLY_TO_CLIENT: 'me', CORRELATION_ID: 'C' } });

function harness() {
  const factory = new FakeClientFactory();
  const lines: string[] = [];
  const replier = new Replier(
    () => factory.createProducer({ namesrvAddr: 'h:1', group: 'g' }),
    new DefaultMessageSerializer(),
    { warn: (text: string) => lines.push(text), error: (text: string) => lines.push(text) },
  );
  return {
    factory,
    lines,
    replier,
    replies: () => factory.producers.flatMap(({ replies }) => replies.map(({ reply }) => reply)),
  };
}

describe('Replier', () => {
  it('answers with values, null in place of undefined, and connects once', async () => {
    const { factory, replier, replies } = harness();
    await Promise.all([
      replier.returned(REQUEST, { sum: 3 }),
      replier.returned(REQUEST, undefined),
      replier.returned(REQUEST, 'text'),
    ]);
    expect(replies().map(({ body }) => body)).toEqual(['{"sum":3}', 'null', 'text']);
    expect(replies()[2].properties).toEqual({ rocknestBody: 'text' });
    expect(factory.producers).toHaveLength(1);
    await replier.close();
    expect(factory.producers[0].isShutDown).toBe(true);
  });

  it('tells who asked of an RpcException, and of others only that there was one', async () => {
    const { lines, replier, replies } = harness();
    await replier.failed(REQUEST, 'Sums.add', new RpcException('no such number'));
    await replier.failed(REQUEST, 'Sums.add', new RpcException({ code: 7 }));
    expect(lines).toEqual([]);
    await replier.failed(REQUEST, 'Sums.add', new Error('password is x'));
    expect(replies().map(({ body }) => JSON.parse(String(body)) as unknown)).toEqual([
      { status: 'error', message: 'no such number' },
      { code: 7 },
      { status: 'error', message: 'Internal server error' },
    ]);
    expect(replies().every(({ properties }) => properties?.['rocknestReplyError'] === 'true')).toBe(true);
    expect(lines[0]).toContain('Sums.add failed on request');
    expect(lines[0]).toContain('password is x');
  });

  it('a reply that can not go is logged, and the next one tries to connect anew', async () => {
    const { factory, lines, replier, replies } = harness();
    factory.producerStart = () => Promise.reject(new Error('unreachable'));
    await replier.returned(REQUEST, 1);
    await replier.returned(REQUEST, () => {});
    expect(lines.join('\n')).toMatch(/no reply to request .*unreachable[^]*has no JSON form/);
    factory.producerStart = () => Promise.resolve();
    await replier.returned(REQUEST, 1);
    expect(replies()).toHaveLength(1);
    await replier.close();
  });

  it('knows a request', () => {
    expect(isRequest(REQUEST)).toBe(true);
    expect(isRequest(testMessage('sums', '1', { properties: { CORRELATION_ID: 'C' } }))).toBe(false);
  });
});
