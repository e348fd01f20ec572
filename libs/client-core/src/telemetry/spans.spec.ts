import { createTraceState, trace } from '@opentelemetry/api';
import type { MessageExt } from '@rocknest/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { idOf, isChildOf, linkedIds, TelemetrySdk } from '../../../../test/support/telemetry-sdk.js';
import type { ConsumeContext, ConsumeOrderlyContext, ListenerRegistration } from '../consumer/consume-types.js';
import { MQBrokerError, MQClientError, MQClientErrorCode } from '../errors.js';
import type { MessageInput } from '../producer/message-input.js';
import type { SendResult } from '../producer/send-result.js';
import { ClientNamespace } from '../support/namespace.js';
import { ClientTelemetry } from './client-telemetry.js';
import { ConsumeSpans } from './consume-spans.js';
import { SendSpans } from './send-spans.js';
import { loadTelemetry, type TelemetryApi } from './telemetry-api.js';

const IGNORED = { onSuccess: () => undefined, onException: () => undefined };
const NO_NAMES = { namespace: undefined, namespaceV2: 'eu' };
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const QUEUE = { topic: 'orders', brokerName: 'b', queueId: 3 };

const one = (message: MessageInput | readonly MessageInput[]): MessageInput => message as MessageInput;

function received(n: number, properties: Record<string, string> = {}): MessageExt {
  const body = Buffer.from('x');
  const message = {
    topic: 'orders',
    body,
    msgId: `ID${n}`,
    queueId: 3,
    reconsumeTimes: 0,
    storeHost: '10.1.2.3:10911',
  };
  return { ...message, properties: { TAGS: 'created', ...properties } } as unknown as MessageExt;
}

const concurrentContext = (): ConsumeContext => ({
  messageQueue: QUEUE,
  delayLevelWhenNextConsume: 0,
  ackIndex: Number.MAX_SAFE_INTEGER,
});
const orderlyContext = (): ConsumeOrderlyContext => ({
  messageQueue: QUEUE,
  autoCommit: true,
  suspendCurrentQueueTimeMillis: -1,
  ackIndex: -1,
  deadLetters: [],
});

describe('spans of sends and handlers', () => {
  let sdk: TelemetrySdk;
  let api: TelemetryApi;
  let sends: SendSpans;

  beforeAll(async () => {
    sdk = new TelemetrySdk();
    api = await loadTelemetry();
    sends = new SendSpans(new ClientTelemetry(api, 'p@1', NO_NAMES));
  });
  afterEach(() => sdk.reset());
  afterAll(() => sdk.remove());

  const consumed = (registration: ListenerRegistration, namespace?: ClientNamespace): ListenerRegistration =>
    new ConsumeSpans(new ClientTelemetry(api, 'c@1', { namespace, namespaceV2: undefined }), {
      group: 'g',
      messageModel: 'CLUSTERING',
    }).registration(registration);

  /** Lets a concurrent listener handle some messages. */
  const handle = async (
    messages: MessageExt[],
    listener: (context: ConsumeContext) => unknown,
    traits: { handsOver?: boolean } = {},
  ): Promise<unknown> => {
    const registration = consumed({
      kind: 'CONCURRENTLY',
      listener: (_, context) => listener(context) as 'CONSUME_SUCCESS',
      ...traits,
    });
    if (registration.kind !== 'CONCURRENTLY') throw new Error('another kind');
    return registration.listener(messages, concurrentContext());
  };
  const told = () => sdk.ended.map(({ status, attributes }) => [status.code, attributes['error.type'], status.message]);

  it('let a handler continue the trace of the sender, with what it does inside of its span', async () => {
    let sent: MessageInput | undefined;
    await sdk.within('request', async () => {
      const { message, callback } = sends.begin(
        { topic: 'orders', body: 'xyz', tags: 'created', keys: 'a b', delayTimeLevel: 3 },
        IGNORED,
        false,
      );
      sent = one(message);
      const result = { status: 'SEND_OK', msgId: 'ID1', offsetMsgId: '0A01020300002A9F000000000000002A' };
      callback.onSuccess({ ...result, messageQueue: QUEUE } as SendResult);
    });
    await handle([received(1, { traceparent: sent!.properties!['traceparent'], KEYS: 'a b' })], async () => {
      await Promise.resolve();
      sdk.mark('database');
      return 'CONSUME_SUCCESS';
    });
    const [request, send, process, database] = await Promise.all(
      ['request', 'send orders', 'process orders', 'database'].map((name) => sdk.the(name)),
    );
    expect([isChildOf(send, request), isChildOf(process, send), isChildOf(database, process)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(linkedIds(process)).toEqual([idOf(send)]);
    expect([send.kind, process.kind]).toEqual([3, 4]);
    expect(send.attributes).toEqual({
      'messaging.system': 'rocketmq',
      'messaging.destination.name': 'orders',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.client.id': 'p@1',
      'messaging.rocketmq.namespace': 'eu',
      'messaging.message.id': 'ID1',
      'messaging.message.body.size': 3,
      'messaging.destination.partition.id': '3',
      'messaging.rocketmq.message.type': 'delay',
      'messaging.rocketmq.message.delay_time_level': 3,
      'messaging.rocketmq.message.tag': 'created',
      'messaging.rocketmq.message.keys': ['a', 'b'],
      'server.address': '10.1.2.3',
      'server.port': 10911,
    });
    expect(process.attributes).toEqual({
      'messaging.system': 'rocketmq',
      'messaging.destination.name': 'orders',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.client.id': 'c@1',
      'messaging.consumer.group.name': 'g',
      'messaging.message.id': 'ID1',
      'messaging.message.body.size': 1,
      'messaging.destination.partition.id': '3',
      'messaging.rocketmq.consumption_model': 'clustering',
      'messaging.rocketmq.message.type': 'normal',
      'messaging.rocketmq.message.tag': 'created',
      'messaging.rocketmq.message.keys': ['a', 'b'],
      'rocknest.message.delivery_count': 1,
      'server.address': '10.1.2.3',
      'server.port': 10911,
    });
  });

  it('link a batch to what its messages come from, in a trace of its own', async () => {
    const injected = await sends.around(
      [1, 2].map((n) => ({ topic: 'orders', body: String(n) })),
      true,
      async (all) => all,
    );
    const [first, second] = injected.map(({ properties }) => ({ ...properties }));
    expect(first).toEqual(second);
    await handle([received(1, first), received(2, second), received(3)], () => 'CONSUME_SUCCESS');
    const [send, process] = sdk.ended;
    expect([send.attributes, process.attributes].map((all) => all['messaging.batch.message_count'])).toEqual([2, 3]);
    expect(process.parentSpanContext).toBeUndefined();
    expect(linkedIds(process)).toEqual([idOf(send), idOf(send)]);
    expect(process.spanContext().traceId).not.toBe(send.spanContext().traceId);
  });

  it('put the whole context into a message, or none where the program gave its own', async () => {
    const context = { ...trace.getTracer('x').startSpan('x').spanContext(), traceState: createTraceState('a=1') };
    const properties = async (given: Record<string, string>): Promise<unknown> => {
      const message = { topic: 'orders', body: 'x', properties: given };
      const copy = structuredClone(message);
      const active = trace.setSpanContext(api.ROOT_CONTEXT as never, context);
      const [injected] = await api.context.with(active, () => sends.around([message], false, async (all) => all));
      expect(message).toEqual(copy);
      return injected.properties;
    };
    expect(await properties({ kind: 'a' })).toEqual({
      kind: 'a',
      traceparent: expect.stringContaining(context.traceId) as string,
      tracestate: 'a=1',
    });
    expect(await properties({ baggage: 'mine' })).toMatchObject({ baggage: 'mine', tracestate: 'a=1' });
    expect(await properties({ traceparent: PARENT })).toEqual({ traceparent: PARENT });
    expect(await properties({ tracestate: 'mine' })).toEqual({ tracestate: 'mine' });
    const own = sdk.ended[2];
    expect([own.kind, linkedIds(own)]).toEqual([2, ['b7ad6b7169203331']]);
  });

  it('tell what went wrong with a send', async () => {
    const errors = [
      new MQClientError(MQClientErrorCode.TIMEOUT, 'too late'),
      new MQBrokerError('send', '127.0.0.1:1', 17, 'no topic'),
      new TypeError('what'),
    ];
    for (const error of errors) sends.begin({ topic: 'orders', body: 'x' }, IGNORED, false).callback.onException(error);
    await expect(sends.around([{ topic: 'orders', body: 'x' }], false, () => Promise.reject(errors[0]))).rejects.toBe(
      errors[0],
    );
    expect(told().map(([code, type]) => [code, type])).toEqual([
      [2, 'TIMEOUT'],
      [2, 'TOPIC_NOT_EXIST'],
      [2, 'TypeError'],
      [2, 'TIMEOUT'],
    ]);
  });

  it('leave what is no message to those who say so', () => {
    expect(sends.begin([], IGNORED, false)).toEqual({ message: [], callback: IGNORED });
    for (const wrong of [{ topic: 'orders' }, { topic: 'orders', body: 7 }, undefined]) {
      expect(sends.begin(wrong as unknown as MessageInput, IGNORED, false).callback).toBe(IGNORED);
    }
    expect(sdk.ended).toEqual([]);
  });

  it('end as an error where a concurrent listener has not handled a message', async () => {
    const error = new TypeError('no');
    await handle([received(1)], () => 'CONSUME_SUCCESS');
    await handle([received(1)], () => 'RECONSUME_LATER');
    await handle([received(1)], () => undefined);
    await handle([received(1)], (context) => {
      context.directReport = { consumeResult: 'CR_THROW_EXCEPTION', remark: 'TypeError: no', error };
      context.outcomes = [{ delayLevel: -1 }];
      return 'CONSUME_SUCCESS';
    });
    await expect(handle([received(1)], () => Promise.reject(error))).rejects.toBe(error);
    await expect(
      handle([received(1)], () => {
        throw error;
      }),
    ).rejects.toBe(error);
    expect(told()).toEqual([
      [0, undefined, undefined],
      [2, 'RECONSUME_LATER', 'RECONSUME_LATER'],
      [2, 'RECONSUME_LATER', 'RECONSUME_LATER'],
      [2, 'TypeError', 'no'],
      [2, 'TypeError', 'no'],
      [2, 'TypeError', 'no'],
    ]);
    sdk.reset();
    const two = [received(1), received(2)];
    await handle(two, (context) => {
      context.ackIndex = 0;
      return 'CONSUME_SUCCESS';
    });
    await handle(two, (context) => {
      context.outcomes = ['CONSUME_SUCCESS', 'CONSUME_SUCCESS'];
      return 'RECONSUME_LATER';
    });
    expect(sdk.ended.map(({ status, attributes }) => [status.code, attributes['rocknest.batch.failed_count']])).toEqual(
      [
        [2, 1],
        [0, undefined],
      ],
    );
  });

  it('end as an error where an orderly listener has not handled a message', async () => {
    const end = async (result: unknown, set: Partial<ConsumeOrderlyContext> = {}): Promise<void> => {
      const registration = consumed({
        kind: 'ORDERLY',
        listener: (_, context) => {
          Object.assign(context, set);
          return result as 'SUCCESS';
        },
      });
      if (registration.kind !== 'ORDERLY') throw new Error('another kind');
      await registration.listener([received(1), received(2)], orderlyContext());
    };
    await end('SUCCESS');
    await end('COMMIT');
    await end('SUCCESS', { deadLetters: [1] });
    await end('ROLLBACK', { ackIndex: 1 });
    await end('SUSPEND_CURRENT_QUEUE_A_MOMENT');
    await end('SUSPEND_CURRENT_QUEUE_A_MOMENT', { ackIndex: 0 });
    await end(undefined);
    const counts = sdk.ended.map(({ attributes }) => attributes['rocknest.batch.failed_count']);
    expect(told().map(([code, type], index) => [code, type, counts[index]])).toEqual([
      [0, undefined, undefined],
      [0, undefined, undefined],
      [2, 'DEAD_LETTER', 1],
      [2, 'ROLLBACK', 2],
      [2, 'SUSPEND_CURRENT_QUEUE_A_MOMENT', 2],
      [2, 'SUSPEND_CURRENT_QUEUE_A_MOMENT', 1],
      [2, 'SUSPEND_CURRENT_QUEUE_A_MOMENT', 2],
    ]);
  });

  it('are made of what a listener hands over, and of nothing that came to no handler', async () => {
    const three = [received(1, { traceparent: PARENT }), received(2), received(3)];
    const traits = { handsOver: true };
    await handle(three, () => 'NOT_CONSUMED', traits);
    expect(sdk.ended).toEqual([]);
    await handle(
      three,
      async (context) => {
        await Promise.resolve();
        context.ackIndex = 0;
        context.handOver!(1, () => sdk.mark('inside'));
        return 'CONSUME_SUCCESS';
      },
      traits,
    );
    const process = await sdk.the('process orders');
    expect([process.status.code, process.attributes['messaging.message.id']]).toEqual([0, 'ID1']);
    expect(process.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
    expect(isChildOf(await sdk.the('inside'), process)).toBe(true);
  });

  it('have the names that the application knows, and the namespace beside them', async () => {
    const namespace = ClientNamespace.of('stage')!;
    const spans = new SendSpans(new ClientTelemetry(api, 'p@1', { namespace, namespaceV2: undefined }));
    await spans.around([{ topic: 'stage%orders', body: 'x' }], false, async () => undefined);
    const registration = consumed({ kind: 'CONCURRENTLY', listener: () => 'CONSUME_SUCCESS' }, namespace);
    if (registration.kind !== 'CONCURRENTLY') throw new Error('another kind');
    await registration.listener([{ ...received(1), topic: 'stage%orders' }], concurrentContext());
    expect(sdk.ended.map(({ name, attributes }) => [name, attributes['messaging.rocketmq.namespace']])).toEqual([
      ['send orders', 'stage'],
      ['process orders', 'stage'],
    ]);
  });
});
