import { describe, expect, it } from 'vitest';
import { decodeFrame, decodeSendMessageRequest, RequestCode } from '@rocknest/protocol';
import type { OutgoingMessage } from './outgoing-message.js';
import { CompactSendFrameTemplate, JsonSendFrameTemplate } from './send-frame-template.js';

const constants = {
  producerGroup: 'Gruppe',
  topic: 'orders',
  brokerName: 'broker-a',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
};
const message = (changes: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  topic: 'orders',
  body: Buffer.from('hello'),
  sysFlag: 0,
  flag: 0,
  properties: 'UNIQ_KEY\u0001AB\u0002name\u0001Jürgen 😀\u0002',
  msgId: 'AB',
  isBatch: false,
  reconsumeTimes: 0,
  maxReconsumeTimes: undefined,
  ...changes,
});

describe.each([
  ['compact', new CompactSendFrameTemplate(constants)],
  ['JSON', new JsonSendFrameTemplate(constants)],
])('%s send frames', (_, template) => {
  const decode = (opaque: number, queueId: number, bornMs: number, outgoing: OutgoingMessage) => {
    const frame = Buffer.concat(template.encode(opaque, queueId, bornMs, outgoing));
    expect(frame.readInt32BE(0)).toBe(frame.length - 4);
    const command = decodeFrame(frame.subarray(4));
    return { command, header: decodeSendMessageRequest(command) };
  };

  it('carry every field', () => {
    const { command, header } = decode(-7, 3, 1_790_000_000_123, message());
    expect(command).toMatchObject({ code: RequestCode.SEND_MESSAGE_V2, opaque: -7, flag: 0, language: 'OTHER' });
    expect(command.bodyBuffer.toString()).toBe('hello');
    expect(header).toEqual({
      ...constants,
      queueId: 3,
      sysFlag: 0,
      bornTimestamp: 1_790_000_000_123,
      flag: 0,
      properties: 'UNIQ_KEY\u0001AB\u0002name\u0001Jürgen 😀\u0002',
      reconsumeTimes: 0,
      unitMode: false,
      maxReconsumeTimes: undefined,
      batch: false,
    });
  });

  it('carry what is rarely set', () => {
    const rare = message({ sysFlag: 0x301, flag: -2_147_483_648, reconsumeTimes: 17, maxReconsumeTimes: 16 });
    expect(decode(0, 65_535, 1, rare).header).toMatchObject({
      queueId: 65_535,
      bornTimestamp: 1,
      sysFlag: 0x301,
      flag: -2_147_483_648,
      reconsumeTimes: 17,
      maxReconsumeTimes: 16,
    });
  });

  it('mark batches', () => {
    const { command, header } = decode(5, 0, 1, message({ isBatch: true }));
    expect(command.code).toBe(RequestCode.SEND_BATCH_MESSAGE);
    expect(header.batch).toBe(true);
  });

  it('stay as they are while others are made, over the end of a block and beyond its size', () => {
    const frames = Array.from({ length: 200 }, (_, i) =>
      template.encode(i, 0, i, message({ properties: `k\u0001${'é'.repeat(i * 100)}${i}\u0002` })),
    );
    frames.forEach((frame, i) => {
      const header = decodeSendMessageRequest(decodeFrame(Buffer.concat(frame).subarray(4)));
      expect(header.properties).toBe(`k\u0001${'é'.repeat(i * 100)}${i}\u0002`);
    });
  });

  it('refuse what no frame can hold', () => {
    expect(() => template.encode(1, 0, 1, message({ body: Buffer.alloc(16_777_216) }))).toThrow(/16777216/);
  });
});
