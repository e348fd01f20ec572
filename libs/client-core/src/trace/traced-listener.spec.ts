import { ConsumeReturnType, type MessageExt, type SubAfterTrace, type TraceContext } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import {
  ConsumeResult,
  type ConsumeContext,
  type ConsumeOrderlyContext,
  type MessageListener,
  type MessageListenerOrderly,
} from '../consumer/consume-types.js';
import { ConsumeTrace } from './consume-trace.js';
import { tracedRegistration } from './traced-listener.js';

const { SUCCESS, EXCEPTION, RETURN_NULL, FAILED, TIME_OUT } = ConsumeReturnType;
const messageQueue = { topic: 't', brokerName: 'b', queueId: 0 };

function message(msgId: string, properties: Record<string, string> = {}): MessageExt {
  return { msgId, topic: 't', reconsumeTimes: 2, properties } as MessageExt;
}

const MESSAGES = [message('a', { KEYS: 'k', MSG_REGION: 'east' }), message('b', { MSG_REGION: 'east' })];

function tracer(consumeTimeoutMs = 60_000) {
  const contexts: TraceContext[] = [];
  const trace = new ConsumeTrace({ append: (context) => void contexts.push(context) }, 'shop%g', consumeTimeoutMs);
  const afters = (): SubAfterTrace[] => contexts.filter((context) => context.traceType === 'SubAfter');
  return { contexts, trace, afters };
}

async function concurrent(listener: MessageListener, messages = MESSAGES, timeoutMs?: number) {
  const { contexts, trace, afters } = tracer(timeoutMs);
  const registration = tracedRegistration({ kind: 'CONCURRENTLY', listener }, trace);
  if (registration.kind !== 'CONCURRENTLY') throw new Error('another kind');
  const context: ConsumeContext = { messageQueue, delayLevelWhenNextConsume: 0, ackIndex: Number.MAX_SAFE_INTEGER };
  let result: unknown;
  try {
    result = await registration.listener(messages, context);
  } catch (error) {
    result = error;
  }
  const codes = afters().map((after) => [after.messages.map(({ msgId }) => msgId).join(), after.contextCode]);
  return { contexts, result, codes, afters };
}

async function orderly(listener: MessageListenerOrderly) {
  const { trace, afters } = tracer();
  const registration = tracedRegistration({ kind: 'ORDERLY', listener }, trace);
  if (registration.kind !== 'ORDERLY') throw new Error('another kind');
  const context: ConsumeOrderlyContext = {
    messageQueue,
    autoCommit: true,
    suspendCurrentQueueTimeMillis: -1,
    ackIndex: -1,
    deadLetters: [],
  };
  await registration.listener(MESSAGES, context);
  return afters().map((after) => [after.messages.map(({ msgId }) => msgId).join(), after.contextCode]);
}

describe('a traced listener', () => {
  it('writes what it got and how it ended', async () => {
    const { contexts, result, afters } = await concurrent(async () => ConsumeResult.CONSUME_SUCCESS);
    expect(result).toBe('CONSUME_SUCCESS');
    expect(contexts[0]).toMatchObject({
      traceType: 'SubBefore',
      regionId: 'east',
      groupName: 'g',
      messages: [
        { msgId: 'a', keys: 'k', retryTimes: 2, topic: 't' },
        { msgId: 'b', keys: undefined, retryTimes: 2 },
      ],
    });
    const [before] = contexts;
    expect(before.traceType === 'SubBefore' && before.requestId).toBe(afters()[0].requestId);
    expect(afters()).toMatchObject([
      { success: true, contextCode: SUCCESS, messages: [{ msgId: 'a' }, { msgId: 'b' }] },
    ]);
  });

  it('tells the ways in which it ends apart', async () => {
    const failure = new Error('no');
    expect((await concurrent(() => 'RECONSUME_LATER')).codes).toEqual([['a,b', FAILED]]);
    expect(
      await concurrent(() => {
        throw failure;
      }),
    ).toMatchObject({ codes: [['a,b', EXCEPTION]], result: failure });
    expect(await concurrent(() => Promise.reject(failure))).toMatchObject({
      codes: [['a,b', EXCEPTION]],
      result: failure,
    });
    expect((await concurrent((() => undefined) as unknown as MessageListener)).codes).toEqual([['a,b', RETURN_NULL]]);
    expect((await concurrent(() => 'CONSUME_SUCCESS', MESSAGES, 0)).codes).toEqual([['a,b', TIME_OUT]]);
  });

  it('tells messages of one call apart', async () => {
    const acked = await concurrent((_, context) => {
      context.ackIndex = 0;
      return 'CONSUME_SUCCESS';
    });
    expect(acked.codes).toEqual([
      ['a', SUCCESS],
      ['b', FAILED],
    ]);
    const said = await concurrent((_, context) => {
      context.outcomes = [{ delayLevel: 1 }, 'CONSUME_SUCCESS'];
      return 'RECONSUME_LATER';
    });
    expect(said.codes).toEqual([
      ['a', FAILED],
      ['b', SUCCESS],
    ]);
  });

  it('knows what orderly listeners say', async () => {
    expect(await orderly(() => 'SUCCESS')).toEqual([['a,b', SUCCESS]]);
    expect(await orderly(() => 'COMMIT')).toEqual([['a,b', SUCCESS]]);
    expect(await orderly(() => 'ROLLBACK')).toEqual([['a,b', FAILED]]);
    expect(
      await orderly((_, context) => {
        context.ackIndex = 0;
        return 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
      }),
    ).toEqual([
      ['a', SUCCESS],
      ['b', FAILED],
    ]);
    expect(
      await orderly((_, context) => {
        context.deadLetters = [0];
        return 'SUCCESS';
      }),
    ).toEqual([
      ['a', FAILED],
      ['b', SUCCESS],
    ]);
  });

  it('leaves out messages whose broker wants no trace, and names the default region where there is none', async () => {
    const off = message('off', { TRACE_ON: 'false' });
    expect((await concurrent(() => 'CONSUME_SUCCESS', [off])).contexts).toEqual([]);
    const { contexts, codes } = await concurrent(() => 'CONSUME_SUCCESS', [off, message('on')]);
    expect(contexts[0]).toMatchObject({ regionId: 'DefaultRegion' });
    expect(codes).toEqual([['on', SUCCESS]]);
  });
});
