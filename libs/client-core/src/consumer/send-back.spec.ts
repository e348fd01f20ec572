import { describe, expect, it } from 'vitest';
import { decodeProperties, type ConsumerSendMsgBackRequest, type MessageExt } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import type { OutgoingMessage } from '../producer/outgoing-message.js';
import { SendBack } from './send-back.js';

const queue = { topic: '%RETRY%g', brokerName: 'b', queueId: 0 };
const message = (changes: Partial<MessageExt> = {}): MessageExt =>
  ({
    topic: 'orders',
    body: Buffer.from('body'),
    flag: 3,
    properties: { UNIQ_KEY: 'U', TAGS: 'A', MIN_OFFSET: '0', MAX_OFFSET: '9', TRAN_MSG: 'true', mine: 'x' },
    physicalOffset: 4_711,
    reconsumeTimes: 2,
    sysFlag: 0,
    msgId: 'U',
    offsetMsgId: 'O',
    ...changes,
  }) as unknown as MessageExt;

function harness(maxReconsumeTimes = -1, brokerTakes = true, resendWorks = true) {
  const back: ConsumerSendMsgBackRequest[] = [];
  const resent: OutgoingMessage[] = [];
  const sendBack = new SendBack({
    group: 'g',
    maxReconsumeTimes,
    sendMessageBack: async (_queue, header) => {
      if (!brokerTakes) throw new Error('broker gone');
      back.push(header);
    },
    resend: async (outgoing) => {
      if (!resendWorks) throw new Error('no broker at all');
      resent.push(outgoing);
    },
    logger: silentLogger,
  });
  return { sendBack, back, resent };
}

describe('SendBack', () => {
  it('asks the broker that has the message', async () => {
    const { sendBack, back, resent } = harness();
    await sendBack.sendBack(message(), queue, 5);
    expect(back).toEqual([
      {
        offset: 4_711,
        group: 'g',
        delayLevel: 5,
        originMsgId: 'O',
        originTopic: 'orders',
        unitMode: false,
        maxReconsumeTimes: 16,
      },
    ]);
    expect(resent).toEqual([]);
  });

  it('sends a copy to the retry topic when that broker does not take it', async () => {
    const { sendBack, resent } = harness(-1, false);
    await sendBack.sendBack(message(), queue, 0);
    expect(resent).toHaveLength(1);
    expect(resent[0]).toMatchObject({
      topic: '%RETRY%g',
      flag: 3,
      reconsumeTimes: 3,
      maxReconsumeTimes: 16,
      msgId: 'U',
    });
    expect(decodeProperties(resent[0].properties)).toEqual({
      UNIQ_KEY: 'U',
      TAGS: 'A',
      mine: 'x',
      RETRY_TOPIC: 'orders',
      ORIGIN_MESSAGE_ID: 'O',
      DELAY: '5',
    });
  });

  it('keeps the first message id and a chosen delay, and marks what shall go to the dead letters', async () => {
    const { sendBack, resent } = harness(4, false);
    const again = message({ properties: { ORIGIN_MESSAGE_ID: 'FIRST' } });
    await sendBack.sendBack(again, queue, 9);
    await sendBack.sendBack(again, queue, -1);
    expect(decodeProperties(resent[0].properties)).toMatchObject({ ORIGIN_MESSAGE_ID: 'FIRST', DELAY: '9' });
    expect(resent[1]).toMatchObject({ reconsumeTimes: 5, maxReconsumeTimes: 4 });
  });

  it('fails when neither works', async () => {
    const { sendBack } = harness(-1, false, false);
    await expect(sendBack.sendBack(message(), queue, 0)).rejects.toThrow('no broker at all');
  });

  it('sends a message that was given properties to the retry topic, which stores them', async () => {
    const { sendBack, back, resent } = harness();
    const failed = message();
    sendBack.annotate(failed, { why: 'no stock' });
    await sendBack.sendBack(failed, queue, 0);
    await sendBack.sendBack(failed, queue, -1);
    expect(back).toEqual([]);
    expect(resent.map((one) => decodeProperties(one.properties)['why'])).toEqual(['no stock', 'no stock']);
    expect(resent[0]).toMatchObject({ topic: '%RETRY%g', reconsumeTimes: 3, maxReconsumeTimes: 16 });
    expect(resent[1]).toMatchObject({ reconsumeTimes: 17, maxReconsumeTimes: 16 });
  });

  it('asks the broker that has it when the retry topic can not be reached', async () => {
    const { sendBack, back } = harness(-1, true, false);
    const failed = message();
    sendBack.annotate(failed, { why: 'no stock' });
    await sendBack.sendBack(failed, queue, 7);
    expect(back).toMatchObject([{ offset: 4_711, delayLevel: 7 }]);
  });

  it.each([
    ['too many bytes', { why: 'x'.repeat(32_000) }],
    ['a separator', { why: 'a\u0001b' }],
    ['a reserved name', { RETRY_TOPIC: 'other' }],
  ])('leaves properties out that have %s', async (_, properties) => {
    const { sendBack, back } = harness();
    const failed = message();
    const before = { ...failed.properties };
    sendBack.annotate(failed, properties);
    expect(failed.properties).toEqual(before);
    await sendBack.sendBack(failed, queue, 0);
    expect(back).toHaveLength(1);
  });
});
