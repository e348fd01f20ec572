import { describe, expect, it } from 'vitest';
import { RequestCode } from '../codes/request-code.js';
import { SerializeType } from '../codes/serialize-type.js';
import { decodeFrame } from '../command/decode-frame.js';
import { encodeFrame } from '../command/encode-frame.js';
import type { HeaderFields } from '../command/remoting-command.js';
import { RemotingCommand } from '../command/remoting-command.js';
import { decodeConsumerSendMsgBackRequest, encodeConsumerSendMsgBackRequest } from './consumer-send-msg-back.js';
import { decodeGetMaxOffsetRequest } from './get-max-offset.js';
import { decodePullMessageRequest, encodePullMessageRequest } from './pull-message.js';
import { decodeQueryMessageRequest, encodeQueryMessageRequest } from './query-message.js';
import { decodeSearchOffsetByTimestampRequest } from './search-offset-by-timestamp.js';
import type { SendMessageRequest } from './send-message.js';
import { decodeSendMessageRequest, encodeSendMessageRequest, encodeSendMessageRequestV2 } from './send-message.js';

function overTheWire(code: number, fields: HeaderFields, type: SerializeType): RemotingCommand {
  const command = RemotingCommand.request(code, fields, Buffer.from('x'));
  command.serializeType = type;
  return decodeFrame(Buffer.concat(encodeFrame(command)).subarray(4));
}

const send: SendMessageRequest = {
  producerGroup: 'p',
  topic: 'T',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: -1,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_000,
  flag: 0,
  properties: 'UNIQ_KEY\u0001é\u0002WAIT\u0001true\u0002',
  reconsumeTimes: 3,
  unitMode: true,
  maxReconsumeTimes: 16,
  batch: false,
  brokerName: 'b',
};

const pull = {
  consumerGroup: 'g',
  topic: 'T',
  queueId: 2,
  queueOffset: 9_000_000_000,
  maxMsgNums: 32,
  sysFlag: 7,
  commitOffset: 0,
  suspendTimeoutMillis: 15_000,
  subscription: 'a || b',
  subVersion: 1_700_000_000_000,
  expressionType: 'TAG',
  maxMsgBytes: undefined,
};

describe.each([
  ['JSON', SerializeType.JSON],
  ['ROCKETMQ', SerializeType.ROCKETMQ],
])('headers written as %s', (_name, type) => {
  it('carry a send with letters and with long names', () => {
    expect(decodeSendMessageRequest(overTheWire(310, encodeSendMessageRequestV2(send), type))).toEqual(send);
    expect(decodeSendMessageRequest(overTheWire(10, encodeSendMessageRequest(send), type))).toEqual(send);
    const old = encodeSendMessageRequestV2({ ...send, maxReconsumeTimes: undefined, brokerName: undefined });
    expect(decodeSendMessageRequest(overTheWire(320, old, type))).toEqual({
      ...send,
      maxReconsumeTimes: undefined,
      brokerName: undefined,
      batch: true,
    });
  });

  it('carry a pull', () => {
    expect(decodePullMessageRequest(overTheWire(11, encodePullMessageRequest(pull), type))).toEqual(pull);
  });

  it.each([
    ['b', undefined],
    ['e', 'x'],
    ['e', '2147483648'],
    ['g', '1.5'],
    ['h', undefined],
    ['l', '99999999999999999999'],
    ['d', ' 4'],
  ])('name the field %s when it is %s', (field, value) => {
    const fields = { ...encodeSendMessageRequestV2(send), [field]: value };
    expect(() => decodeSendMessageRequest(overTheWire(310, fields, type))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_INVALID_FIELD', details: expect.objectContaining({ field }) }),
    );
  });
});

describe('commands built here', () => {
  it('are read like received ones', () => {
    expect(decodeSendMessageRequest(RemotingCommand.request(310, encodeSendMessageRequestV2(send)))).toEqual(send);
    expect(decodePullMessageRequest(RemotingCommand.request(11, encodePullMessageRequest(pull)))).toEqual(pull);
  });
});

describe('defineHeader', () => {
  it('fills in defaults and leaves undefined fields out', () => {
    expect(decodeGetMaxOffsetRequest(RemotingCommand.request(30, { topic: 'T', queueId: 1 }))).toEqual({
      topic: 'T',
      queueId: 1,
      committed: true,
    });
    const back = { offset: 5, group: 'g', delayLevel: 0, unitMode: false };
    const fields = encodeConsumerSendMsgBackRequest(back);
    expect(fields).toEqual(back);
    expect(decodeConsumerSendMsgBackRequest(RemotingCommand.request(36, fields))).toEqual(back);
  });

  it('reads the boundary as Java does', () => {
    const fields = { topic: 'T', queueId: 0, timestamp: 1 };
    const decode = (boundaryType?: string) =>
      decodeSearchOffsetByTimestampRequest(RemotingCommand.request(29, { ...fields, boundaryType })).boundaryType;
    expect([decode(), decode('upper'), decode('LOWER'), decode('?')]).toEqual(['LOWER', 'UPPER', 'LOWER', 'LOWER']);
  });

  it('refuses what is missing or no integer', () => {
    expect(() => decodeGetMaxOffsetRequest(RemotingCommand.request(30, { topic: 'T' }))).toThrow(
      /queueId of GET_MAX_OFFSET is missing/,
    );
    expect(() => decodeGetMaxOffsetRequest(RemotingCommand.request(30, { topic: '', queueId: 1 }))).toThrow(/topic/);
    expect(() => decodeGetMaxOffsetRequest(RemotingCommand.request(30, { topic: 'T', queueId: '0x1' }))).toThrow(
      /"0x1"/,
    );
  });

  it.each([SerializeType.JSON, SerializeType.ROCKETMQ])('a query by key, with no end of time (%s)', (type) => {
    const fields = {
      ...encodeQueryMessageRequest({
        topic: 'T',
        key: 'k',
        maxNum: 64,
        beginTimestamp: 5,
        endTimestamp: 0,
        indexType: 'K',
        uniqueKeyQuery: true,
      }),
      endTimestamp: '9223372036854775807',
    };
    expect(decodeQueryMessageRequest(overTheWire(RequestCode.QUERY_MESSAGE, fields, type))).toEqual({
      topic: 'T',
      key: 'k',
      maxNum: 64,
      beginTimestamp: 5,
      endTimestamp: Number.MAX_SAFE_INTEGER,
      indexType: 'K',
      lastKey: undefined,
      uniqueKeyQuery: true,
    });
    for (const endTimestamp of ['', 'x', '1.5', '99999999999999999999']) {
      const wrong = overTheWire(RequestCode.QUERY_MESSAGE, { ...fields, endTimestamp }, type);
      expect(() => decodeQueryMessageRequest(wrong)).toThrow(/endTimestamp/);
    }
  });
});
