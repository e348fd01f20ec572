import { encodeRecallHandle, ResponseCode, type RemotingCommand, type TraceContext } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { MQBrokerError } from '../errors.js';
import type { SendResult } from '../producer/send-result.js';
import type { SendTask } from '../producer/send-task.js';
import { SendTrace } from './send-trace.js';
import { resolveTraceOptions } from './trace-options.js';

function tracer() {
  const contexts: TraceContext[] = [];
  const trace = new SendTrace({ append: (context) => void contexts.push(context) }, 'shop%g', 'traces');
  return { contexts, trace };
}

function send(properties: string, { topic = 'shop%t', traceOn = 'true', hasRegion = true } = {}) {
  const { contexts, trace } = tracer();
  const message = { topic, properties, bodyBytes: 42 };
  const task = { message, address: '10.0.0.1:10911', bornMs: Date.now() } as unknown as SendTask;
  const result = {
    status: 'SEND_OK',
    msgId: 'id',
    offsetMsgId: 'offset',
    regionId: hasRegion ? 'east' : undefined,
  } as SendResult;
  trace.sent(task, result, { field: () => traceOn } as unknown as RemotingCommand);
  return contexts;
}

describe('SendTrace', () => {
  it('writes what was sent and where it went', () => {
    expect(send('TAGS\u0001tag\u0002KEYS\u0001a b\u0002')).toMatchObject([
      {
        traceType: 'Pub',
        regionId: 'east',
        groupName: 'g',
        topic: 't',
        msgId: 'id',
        tags: 'tag',
        keys: 'a b',
        storeHost: '10.0.0.1:10911',
        bodyLength: 42,
        messageType: 0,
        offsetMsgId: 'offset',
        success: true,
      },
    ]);
  });

  it.each([
    ['TRAN_MSG\u0001true\u0002', 1],
    ['DELAY\u00013\u0002', 3],
    ['TIMER_DELIVER_MS\u00011\u0002', 3],
  ])('knows the kind of a message by %j', (properties, messageType) => {
    expect(send(properties)).toMatchObject([{ messageType }]);
  });

  it('writes nothing of traces themselves, or when the broker wants none', () => {
    expect(send('', { topic: 'traces' })).toEqual([]);
    expect(send('', { traceOn: 'false' })).toEqual([]);
    expect(send('', { hasRegion: false })).toEqual([]);
  });

  it('writes ends of transactions by the names of RocketMQ', () => {
    const { contexts, trace } = tracer();
    const ended = { topic: 't', msgId: 'id', tags: undefined, keys: undefined, storeHost: 'h:1', transactionId: 'id' };
    trace.transactionEnded({ ...ended, regionId: undefined, state: 'UNKNOWN', fromTransactionCheck: true });
    trace.transactionEnded({ ...ended, regionId: 'east', state: 'COMMIT_MESSAGE', fromTransactionCheck: false });
    expect(contexts).toMatchObject([
      { transactionState: 'UNKNOW', regionId: 'DefaultRegion', fromTransactionCheck: true, messageType: 2 },
      { transactionState: 'COMMIT_MESSAGE', regionId: 'east', fromTransactionCheck: false },
    ]);
  });

  it('writes recalls that a broker answered, and ends as they do', async () => {
    const { contexts, trace } = tracer();
    const handle = encodeRecallHandle({ topic: 't', brokerName: 'b', timestamp: '1', messageId: 'late' });
    await expect(trace.recalled('t', handle, Promise.resolve('id'))).resolves.toBe('id');
    const refused = new MQBrokerError('recall', 'h:1', ResponseCode.ILLEGAL_OPERATION, 'due', { retriable: false });
    await expect(trace.recalled('t', handle, Promise.reject(refused))).rejects.toBe(refused);
    await expect(trace.recalled('t', handle, Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect(contexts).toMatchObject([
      { traceType: 'Recall', msgId: 'id', success: true },
      { traceType: 'Recall', msgId: 'late', success: false },
    ]);
  });
});

describe('the options of traces', () => {
  it('are off by default, and RocketMQ’s when they are on', () => {
    expect(resolveTraceOptions({})).toBeUndefined();
    expect(resolveTraceOptions({ enableMsgTrace: true })).toEqual({
      topic: 'RMQ_SYS_TRACE_TOPIC',
      batchNum: 10,
      flushIntervalMs: 5_000,
    });
  });

  it.each([
    { enableMsgTrace: 'yes' as unknown as boolean },
    { customizedTraceTopic: 'no blanks' },
    { traceMsgBatchNum: 21 },
    { traceFlushIntervalMs: 1 },
  ])('refuse %j', (options) => {
    expect(() => resolveTraceOptions(options)).toThrow(Object.keys(options)[0]);
  });
});
