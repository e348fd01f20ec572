import { describe, expect, it } from 'vitest';
import {
  decodeClientConsumerStatus,
  decodeConsumeMessageDirectlyResult,
  decodeConsumerRunningInfo,
  decodeFrame,
  encodeConsumeMessageDirectlyRequest,
  encodeFrame,
  encodeGetConsumerRunningInfoRequest,
  encodeGetConsumerStatusFromClientRequest,
  encodeMessage,
  encodeNotifyConsumerIdsChangedRequest,
  encodeResetConsumerClientOffsetRequest,
  encodeResetOffsetBody,
  encodeResetOffsetBodyForC,
  MessageSysFlag,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type MessageQueue,
} from '@rocknest/protocol';
import type { RequestHandler } from '@rocknest/remoting';
import { silentLogger } from '../logger.js';
import { registerClientCallbacks } from './client-callbacks.js';
import type { ClientInstance } from './client-instance.js';
import type { InstanceConsumer } from './client-members.js';

const queue: MessageQueue = { topic: 't', brokerName: 'b', queueId: 1 };

function harness() {
  const handlers = new Map<number, RequestHandler>();
  const log: unknown[] = [];
  const consumer: InstanceConsumer = {
    group: 'g',
    connectionChanged: () => {},
    heartbeatData: () => {
      throw new Error('not asked for');
    },
    rebalanceSoon: () => void log.push('rebalance'),
    routeChanged: () => {},
    resetOffsets: async (topic, offsets) => void log.push(['reset', topic, offsets]),
    consumerStatus: () => [[queue, 42]],
    runningInfo: () => ({
      properties: { a: 'b' },
      subscriptionSet: [],
      mqTable: [],
      statusTable: {},
      userConsumerInfo: {},
    }),
    consumeDirectly: async (message, brokerName) => {
      log.push(['consume', message.body.toString(), brokerName]);
      return { order: false, autoCommit: true, consumeResult: 'CR_SUCCESS', remark: '', spentTimeMills: 3 };
    },
  };
  registerClientCallbacks({
    transport: { registerHandler: (code: number, handler: RequestHandler) => handlers.set(code, handler) },
    consumers: new Map([['g', consumer]]),
    logger: silentLogger,
  } as unknown as ClientInstance);
  /** Sends it over the wire in thought, so that what a broker encodes is what is decoded. */
  const ask = async (command: RemotingCommand): Promise<RemotingCommand | undefined> => {
    const received = decodeFrame(Buffer.concat(encodeFrame(command)).subarray(4));
    const answer = await handlers.get(command.code)!(received, undefined as never);
    return answer instanceof RemotingCommand ? answer : undefined;
  };
  return { ask, log };
}

describe('what brokers ask of a client', () => {
  it('40: share the queues out anew, without an answer', async () => {
    const { ask, log } = harness();
    const notice = (consumerGroup: string): RemotingCommand =>
      RemotingCommand.request(
        RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
        encodeNotifyConsumerIdsChangedRequest({ consumerGroup }),
      );
    expect(await ask(notice('g'))).toBeUndefined();
    expect(await ask(notice('unknown'))).toBeUndefined();
    expect(log).toEqual(['rebalance']);
  });

  it('220: move to these offsets', async () => {
    const { ask, log } = harness();
    const header = { topic: 't', group: 'g', timestamp: 5, isForce: false };
    const body = encodeResetOffsetBody({ offsetTable: [{ queue, value: 7 }] });
    await ask(
      RemotingCommand.request(
        RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
        encodeResetConsumerClientOffsetRequest(header),
        body,
      ),
    );
    expect(log).toEqual([['reset', 't', [[queue, 7]]]]);
  });

  it('220: the form for C++ clients too', async () => {
    const { ask, log } = harness();
    const header = { topic: 't', group: 'g', timestamp: 5, isForce: false };
    const body = encodeResetOffsetBodyForC({ offsetTable: [{ queue, value: 7 }] });
    const fields = encodeResetConsumerClientOffsetRequest(header);
    await ask(RemotingCommand.request(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, fields, body));
    expect(log).toEqual([['reset', 't', [[queue, 7]]]]);
  });

  it('221: tell the offsets', async () => {
    const { ask } = harness();
    const fields = encodeGetConsumerStatusFromClientRequest({ topic: 't', group: 'g' });
    const answer = await ask(RemotingCommand.request(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, fields));
    expect(decodeClientConsumerStatus(answer!.bodyBuffer)).toEqual({ messageQueueTable: [{ queue, value: 42 }] });
  });

  it('307: tell what runs, or that the group does not', async () => {
    const { ask } = harness();
    const info = (consumerGroup: string): Promise<RemotingCommand | undefined> =>
      ask(
        RemotingCommand.request(
          RequestCode.GET_CONSUMER_RUNNING_INFO,
          encodeGetConsumerRunningInfoRequest({ consumerGroup, clientId: 'c', jstackEnable: false }),
        ),
      );
    expect(decodeConsumerRunningInfo((await info('g'))!.bodyBuffer).properties).toEqual({ a: 'b' });
    expect(await info('unknown')).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'The Consumer Group <unknown> not exist in this consumer',
    });
  });

  it('307: tell what the process does, when asked', async () => {
    const { ask } = harness();
    const fields = encodeGetConsumerRunningInfoRequest({ consumerGroup: 'g', clientId: 'c', jstackEnable: true });
    const answer = await ask(RemotingCommand.request(RequestCode.GET_CONSUMER_RUNNING_INFO, fields));
    expect(decodeConsumerRunningInfo(answer!.bodyBuffer).jstack).toContain(`pid ${process.pid}`);
  });

  const stored = (text: string, sysFlag = 0): Buffer =>
    encodeMessage({
      topic: 't',
      body: Buffer.from(text),
      flag: 0,
      properties: {},
      queueId: 1,
      queueOffset: 1,
      physicalOffset: 1,
      sysFlag,
      bornTimestamp: 1,
      bornHost: '127.0.0.1:1',
      storeTimestamp: 1,
      storeHost: '127.0.0.1:2',
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
    });
  const directly = (body: Buffer): RemotingCommand =>
    RemotingCommand.request(
      RequestCode.CONSUME_MESSAGE_DIRECTLY,
      encodeConsumeMessageDirectlyRequest({ consumerGroup: 'g', brokerName: 'b' }),
      body,
    );

  it('309: let the listener handle this message', async () => {
    const { ask, log } = harness();
    const answer = await ask(directly(stored('direct')));
    expect(decodeConsumeMessageDirectlyResult(answer!.bodyBuffer)).toMatchObject({ consumeResult: 'CR_SUCCESS' });
    expect(log).toEqual([['consume', 'direct', 'b']]);
  });

  it('309: say that the body cannot be read, and refuse no message at all', async () => {
    const { ask, log } = harness();
    const damaged = stored('x'.repeat(500), MessageSysFlag.COMPRESSED_FLAG);
    damaged.fill(0xff, damaged.indexOf(0x78), damaged.indexOf(0x78) + 8);
    const answer = await ask(directly(damaged));
    expect(decodeConsumeMessageDirectlyResult(answer!.bodyBuffer)).toMatchObject({
      consumeResult: 'CR_THROW_EXCEPTION',
      remark: expect.stringContaining('the body cannot be read') as string,
    });
    await expect(ask(directly(Buffer.alloc(0)))).rejects.toThrow(/no message/);
    expect(log).toEqual([]);
  });
});
