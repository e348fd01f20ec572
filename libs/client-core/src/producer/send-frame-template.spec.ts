import { describe, expect, it } from 'vitest';
import { decodeFrame, decodeSendMessageRequest, RequestCode } from '@rocknest/protocol';
import { WritePage } from '@rocknest/remoting';
import type { OutgoingMessage } from './outgoing-message.js';
import {
  CompactSendFrameTemplate,
  JsonSendFrameTemplate,
  separateBody,
  type SendFrameTemplate,
} from './send-frame-template.js';

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
  bodyBytes: 5,
  sysFlag: 0,
  flag: 0,
  properties: 'UNIQ_KEY\u0001AB\u0002name\u0001Jürgen 😀\u0002',
  msgId: 'AB',
  isBatch: false,
  reconsumeTimes: 0,
  maxReconsumeTimes: undefined,
  ...changes,
});

/** A frame behind another one, in a page that has no more room than the template asked for. */
function frameOf(
  template: SendFrameTemplate,
  opaque: number,
  queueId: number,
  bornMs: number,
  message: OutgoingMessage,
) {
  const before = 100;
  const page = new WritePage(before + template.roomBytes(message));
  const end = template.encode(page, before, opaque, queueId, bornMs, message);
  return Buffer.concat([page.bytes.subarray(before, end), separateBody(message) ?? Buffer.alloc(0)]);
}

describe.each([
  ['compact', new CompactSendFrameTemplate(constants)],
  ['JSON', new JsonSendFrameTemplate(constants)],
])('%s send frames', (_, template) => {
  const decode = (opaque: number, queueId: number, bornMs: number, outgoing: OutgoingMessage) => {
    const frame = frameOf(template, opaque, queueId, bornMs, outgoing);
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

  it.each([0, 1, 100, 10_000])('fit the room that was asked for with %i characters of three bytes', (length) => {
    const properties = `k\u0001${'€'.repeat(length)}"\\\u0002`;
    expect(decode(1, 0, 1, message({ properties })).header.properties).toBe(properties);
  });

  it.each(['text', 'é€😀', 'x'.repeat(2_730)])('take a body as text: %#', (body) => {
    const { command } = decode(1, 0, 1, message({ body, bodyBytes: Buffer.byteLength(body) }));
    expect(command.bodyBuffer.toString()).toBe(body);
  });

  it.each([8_192, 8_193, 1_000_000])('have a body of %i bytes in them or behind them', (bodyBytes) => {
    const body = Buffer.alloc(bodyBytes, 'b');
    expect(separateBody(message({ body }))).toBe(bodyBytes > 8_192 ? body : undefined);
    expect(decode(1, 0, 1, message({ body, bodyBytes })).command.bodyBuffer.equals(body)).toBe(true);
  });

  it('have no further fields', () => {
    expect(Object.keys(decode(1, 0, 1, message()).command.extFields)).not.toContain('ns');
  });

  it('refuse what no frame can hold', () => {
    expect(() =>
      frameOf(template, 1, 0, 1, message({ body: Buffer.alloc(16_777_216), bodyBytes: 16_777_216 })),
    ).toThrow(/16777216/);
  });
});

it.each([CompactSendFrameTemplate, JsonSendFrameTemplate])('%o puts a namespaceV2 into the header', (Template) => {
  const template = new Template({ ...constants, namespaceV2: 'shop' });
  for (const outgoing of [message(), message({ isBatch: true }), message({ sysFlag: 1 })]) {
    const command = decodeFrame(frameOf(template, 1, 0, 1, outgoing).subarray(4));
    expect(command.extFields).toMatchObject({ ns: 'shop', nsd: 'true' });
    expect(decodeSendMessageRequest(command).topic).toBe('orders');
    expect(command.bodyBuffer.toString()).toBe('hello');
  }
});
