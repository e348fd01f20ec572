import { describe, expect, it } from 'vitest';
import { buildSubscriptionData, encodeMessage, type MessageExt, type PopMessageResponse } from '@rocknest/protocol';
import { decodePoppedMessages } from './popped-messages.js';

const record = (changes: Partial<MessageExt>): Buffer =>
  encodeMessage({
    topic: 'orders',
    body: Buffer.from('body'),
    flag: 0,
    properties: {},
    queueId: 1,
    queueOffset: 10,
    physicalOffset: 100,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: '127.0.0.1:1',
    storeTimestamp: 2,
    storeHost: '127.0.0.1:2',
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    ...changes,
  });
const header: PopMessageResponse = { popTime: 1_000, invisibleTime: 60_000, reviveQid: 4, restNum: 0 };
const decode = (records: Buffer[], changes: Partial<PopMessageResponse> = {}, expression = '*') =>
  decodePoppedMessages(
    Buffer.concat(records),
    { ...header, ...changes },
    { topic: 'orders', subscription: buildSubscriptionData('orders', expression), brokerName: 'b', nowMs: 5 },
  );

describe('decodePoppedMessages', () => {
  it('makes the receipts of what the header says of each queue', () => {
    const { leases } = decode(
      [record({ queueOffset: 12 }), record({ queueId: 2, queueOffset: 7 }), record({ topic: '%RETRY%g_orders' })],
      { startOffsetInfo: '0 1 9;0 2 7;1 1 10' },
    );
    expect(leases.map(({ message }) => [message.topic, message.brokerName, message.properties['POP_CK']])).toEqual([
      ['orders', 'b', '9 1000 60000 4 0 b 1 12'],
      ['orders', 'b', '7 1000 60000 4 0 b 2 7'],
      ['orders', 'b', '10 1000 60000 4 1 b 1 10'],
    ]);
    expect(leases[0]).toMatchObject({ expiresAtMs: 60_005, receipt: { topic: 'orders', queueOffset: 12 } });
    expect(leases[0].message.properties['1ST_POP_TIME']).toBe('1000');
  });

  it('takes the first message of a queue for its check point when an old broker tells no offsets', () => {
    const { leases } = decode([record({ queueOffset: 10 }), record({ queueOffset: 11 })]);
    expect(leases.map(({ receipt }) => receipt.info.ckQueueOffset)).toEqual([10, 10]);
  });

  it('believes a receipt and a first pop time that the broker put on', () => {
    const [{ message, receipt }] = decode([
      record({ properties: { POP_CK: '3 900 60000 2 1 b 0 3', '1ST_POP_TIME': '800' } }),
    ]).leases;
    expect(receipt).toMatchObject({ queueOffset: 3, info: { retry: '1', reviveQid: 2, queueId: 0 } });
    expect(message.properties['1ST_POP_TIME']).toBe('800');
  });

  it('sets aside what has another tag of the same hash', () => {
    const { leases, filtered } = decode(
      [record({ properties: { TAGS: 'Aa' } }), record({ queueOffset: 11, properties: { TAGS: 'BB' } })],
      {},
      'Aa',
    );
    expect(leases.map(({ message }) => message.properties['TAGS'])).toEqual(['Aa']);
    expect(filtered.map(({ receipt }) => receipt.queueOffset)).toEqual([11]);
  });

  it('counts ordered deliveries as the broker does, of the message before those of the queue', () => {
    const { leases } = decode([record({}), record({ queueOffset: 11 }), record({ queueId: 2 })], {
      orderCountInfo: '0 1 2;0 qo1%11 5',
    });
    expect(leases.map(({ message }) => message.reconsumeTimes)).toEqual([2, 5, 0]);
  });

  it('refuses broken records and broken headers', () => {
    expect(() => decode([record({}).subarray(0, 50)])).toThrow();
    expect(() => decode([record({})], { startOffsetInfo: 'x' })).toThrow(/startOffsetInfo/);
    expect(() => decode([record({ properties: { POP_CK: 'broken' } })])).toThrow(/extraInfo/);
  });
});
