import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SerializeType } from '../codes/serialize-type.js';
import { ProtocolError } from '../errors.js';
import { decodePullMessageRequest } from '../headers/pull-message.js';
import { decodeSendMessageRequest, encodeSendMessageRequestV2 } from '../headers/send-message.js';
import { decodeFrame } from './decode-frame.js';
import { encodeFrame } from './encode-frame.js';
import { RemotingCommand } from './remoting-command.js';

/** Reads all there is to read of a frame; the only error it may raise is a ProtocolError. */
function readAll(bytes: Buffer): void {
  for (const read of [
    (command: RemotingCommand) => command.field('b'),
    decodeSendMessageRequest,
    decodePullMessageRequest,
    (command: RemotingCommand) => command.extFields,
    (command: RemotingCommand) => Buffer.concat(encodeFrame(command)),
  ]) {
    try {
      read(decodeFrame(bytes));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
}

const send = RemotingCommand.request(
  310,
  encodeSendMessageRequestV2({
    producerGroup: 'group',
    topic: 'Töpic',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 1,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    flag: 0,
    properties: 'UNIQ_KEY\u0001"\\é😀\u0002TAGS\u0001a\u0002',
    reconsumeTimes: 0,
    unitMode: false,
    maxReconsumeTimes: 3,
    batch: false,
    brokerName: undefined,
  }),
  Buffer.from('body'),
);
send.remark = 'a "remark"\n';

function bytesOf(type: SerializeType): Buffer {
  send.serializeType = type;
  return Buffer.concat(encodeFrame(send)).subarray(4);
}

const valid = [bytesOf(SerializeType.JSON), bytesOf(SerializeType.ROCKETMQ)];
const mutation = fc.record({
  at: fc.nat(600),
  value: fc.oneof(fc.constantFrom(0, 0x22, 0x5c, 0x7b, 0x7d, 0x2c, 0x7f, 0x80, 0xff), fc.nat(255)),
});

describe('decodeFrame', () => {
  it('raises nothing but ProtocolError for random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => readAll(Buffer.from(bytes))),
      { numRuns: 500 },
    );
  });

  it('nor for random headers behind a right mark', () => {
    const header = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0123456789abcdefextFields nul-.') }),
      fc.json(),
    );
    fc.assert(
      fc.property(header, fc.constantFrom(0, 1), (text, type) => {
        const bytes = Buffer.from(`    ${text}`);
        bytes.writeInt32BE((type << 24) | (bytes.length - 4));
        readAll(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it('nor for a frame with some bytes changed', () => {
    fc.assert(
      fc.property(fc.constantFrom(...valid), fc.array(mutation, { minLength: 1, maxLength: 6 }), (frame, mutations) => {
        const bytes = Buffer.from(frame);
        for (const { at, value } of mutations) bytes[at % bytes.length] = value;
        readAll(bytes);
      }),
      { numRuns: 1500 },
    );
  });

  it('nor for a frame cut off anywhere, with its lengths as they were and made to fit', () => {
    for (const frame of valid) {
      for (let length = 0; length < frame.length; length++) {
        const cut = Buffer.from(frame.subarray(0, length));
        readAll(cut);
        if (length < 4) continue;
        cut.writeInt32BE((frame[0] << 24) | (length - 4));
        readAll(cut);
      }
    }
  });

  it('nor for compact headers with a hostile length in any place', () => {
    for (const value of [-1, -0x80000000, 0x7fffffff, 0x00ffffff, 0x10000]) {
      for (let at = 4; at + 4 <= valid[1].length; at++) {
        const bytes = Buffer.from(valid[1]);
        bytes.writeInt32BE(value, at);
        readAll(bytes);
      }
    }
  });

  it('refuses huge headers, too many fields and deep nesting without taking time or stack', () => {
    const refused = (header: string): void => {
      const bytes = Buffer.from(`    ${header}`);
      bytes.writeInt32BE(bytes.length - 4);
      expect(() => decodeFrame(bytes)).toThrow(ProtocolError);
    };
    refused(`{"extFields":{${'"a":"b",'.repeat(5000)}"a":"b"}}`);
    refused(`{"x":${'['.repeat(1_000_000)}`);
    refused(`{"x":${'{"a":'.repeat(500_000)}`);
    refused(`{"x":"${'x'.repeat(5_000_000)}"}`);
    refused(`{"x":"${'\\"'.repeat(2_000_000)}`);
    refused(`{"extFields":{"a":"${'\\\\'.repeat(1_000_000)}`);
    refused(' '.repeat(4_000_000));
  });

  it('bounds what a frame of the largest size costs', () => {
    const frame = Buffer.alloc(16_777_212, '"');
    frame.writeInt32BE(10);
    frame.write('{"code":1}', 4);
    expect(decodeFrame(frame).bodyBuffer.length).toBe(16_777_212 - 14);
    expect(() => decodeFrame(Buffer.alloc(16_777_213))).toThrow(/16777213 bytes/);
  });
});
