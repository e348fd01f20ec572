import {
  buildSql92SubscriptionData,
  buildSubscriptionData,
  decodeCheckClientRequestBody,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { type CheckInstance, checkSubscriptions } from './subscription-check.js';

interface Asked {
  address: string;
  request: RemotingCommand;
}

/** Two brokers, `x` and `y`, which have the topics but `new`. */
function instanceWith(answer: (asked: Asked) => RemotingCommand | Error): {
  instance: CheckInstance;
  asked: Asked[];
  warnings: string[];
} {
  const asked: Asked[] = [];
  const warnings: string[] = [];
  const instance = {
    clientId: 'me',
    options: { mqClientApiTimeoutMs: 1_000 },
    logger: { warn: (text: string) => warnings.push(text) },
    routes: {
      route: (topic: string) =>
        topic === 'new' ? undefined : { brokerDatas: [{ brokerName: 'x' }, { brokerName: 'y' }] },
    },
    brokers: { find: (name: string) => ({ address: `${name}:1`, brokerId: 0, slave: false }) },
    transport: {
      invoke: (address: string, request: RemotingCommand) => {
        const call = { address, request };
        asked.push(call);
        const response = answer(call);
        return response instanceof Error ? Promise.reject(response) : Promise.resolve(response);
      },
    },
  };
  return { instance: instance as unknown as CheckInstance, asked, warnings };
}

const SQL = buildSql92SubscriptionData('orders', 'a = 1', 7);

describe('checkSubscriptions', () => {
  it('asks every broker of a topic that is filtered by SQL92, and no other', async () => {
    const { instance, asked } = instanceWith(() => RemotingCommand.response(ResponseCode.SUCCESS));
    const unknown = buildSql92SubscriptionData('new', 'a = 1');
    await checkSubscriptions(instance, 'g', [buildSubscriptionData('t', 'a'), SQL, unknown]);
    expect(asked.map(({ address, request }) => [address, request.code])).toEqual([
      ['x:1', RequestCode.CHECK_CLIENT_CONFIG],
      ['y:1', RequestCode.CHECK_CLIENT_CONFIG],
    ]);
    expect(decodeCheckClientRequestBody(asked[0].request.bodyBuffer)).toEqual({
      clientId: 'me',
      group: 'g',
      subscriptionData: SQL,
    });
  });

  it.each([
    [ResponseCode.SYSTEM_ERROR, 'not supported', /\(a = 1\): not supported; set enablePropertyFilter=true/],
    [ResponseCode.SUBSCRIPTION_PARSE_FAILED, 'wrong at 5', /topic orders \(a = 1\): wrong at 5$/],
    [ResponseCode.REQUEST_CODE_NOT_SUPPORTED, 'what?', /too old/],
  ])('fails with the reason of a broker that answers %i', async (code, remark, message) => {
    const { instance } = instanceWith(({ address }) =>
      RemotingCommand.response(address === 'y:1' ? code : ResponseCode.SUCCESS, { remark }),
    );
    await expect(checkSubscriptions(instance, 'g', [SQL])).rejects.toMatchObject({
      code: 'SUBSCRIPTION_REFUSED',
      retriable: false,
      message: expect.stringMatching(message) as string,
      details: { topic: 'orders', group: 'g', address: 'y:1', responseCode: code },
    });
  });

  it('goes on when a broker does not answer', async () => {
    const { instance, warnings } = instanceWith(() => new Error('gone'));
    await checkSubscriptions(instance, 'g', [SQL]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('x:1');
  });
});
