import { describe, expect, it } from 'vitest';
import {
  BATCH_ACK_ENTRIES_MAX,
  decodeBatchAckMessageRequestBody,
  encodeBatchAckMessageRequestBody,
  type BatchAck,
} from '../bodies/batch-ack-body.js';
import {
  decodeMessageRequestModeTable,
  decodeSetMessageRequestModeRequestBody,
  encodeMessageRequestModeTable,
} from '../bodies/message-request-mode.js';
import {
  decodePopAckMsg,
  decodePopCheckPoint,
  encodePopAckMsg,
  encodePopBatchAckMsg,
  encodePopCheckPoint,
} from '../bodies/pop-check-point.js';
import {
  decodeQueryAssignmentResponseBody,
  encodeQueryAssignmentResponseBody,
} from '../bodies/query-assignment-body.js';
import { RemotingCommand } from '../command/remoting-command.js';
import { ProtocolError } from '../errors.js';
import { decodePopMessageRequest, encodePopMessageRequest } from '../headers/pop-message.js';
import { decodeNotificationResponse, encodeNotificationResponse } from '../headers/notification.js';
import {
  parsePopRetryTopicV2,
  popNormalTopicOf,
  popRealTopicOf,
  popRetryFlagOf,
  popRetryTopicOf,
} from '../topic/pop-retry-topic.js';
import { decodePopExtraInfo, encodePopExtraInfo } from './extra-info.js';
import {
  decodeMsgOffsetInfo,
  decodeOrderCountInfo,
  decodeStartOffsetInfo,
  encodeMsgOffsetInfo,
  encodeOrderCountInfo,
  encodeStartOffsetInfo,
} from './offset-info.js';

const ack: BatchAck = {
  consumerGroup: 'g',
  topic: 't',
  retry: '0',
  startOffset: 100,
  queueId: 3,
  reviveQueueId: 5,
  popTime: 1_700_000_000_000,
  invisibleTime: 60_000,
  bitSet: [0, 2, 9, 70],
};

describe('pop retry topics', () => {
  it('are built, flagged and taken apart in both forms', () => {
    expect(popRetryTopicOf('t', 'g', 1)).toBe('%RETRY%g_t');
    expect(popRetryTopicOf('t', 'g', 2)).toBe('%RETRY%g+t');
    expect(['t', '%RETRY%g_t', '%RETRY%g+t', '%RETRY%g'].map(popRetryFlagOf)).toEqual(['0', '1', '2', '1']);
    expect((['0', '1', '2'] as const).map((flag) => popRealTopicOf('t', 'g', flag))).toEqual([
      't',
      '%RETRY%g_t',
      '%RETRY%g+t',
    ]);
    expect(
      ['t', '%RETRY%g_t', '%RETRY%g+t', '%RETRY%g', '%RETRY%other_t'].map((t) => popNormalTopicOf(t, 'g')),
    ).toEqual(['t', 't', 't', '%RETRY%g', '%RETRY%other_t']);
    expect(parsePopRetryTopicV2('%RETRY%g+t')).toEqual({ group: 'g', topic: 't' });
    expect(parsePopRetryTopicV2('%RETRY%g_t')).toBeUndefined();
    expect(parsePopRetryTopicV2('%RETRY%g+t+u')).toBeUndefined();
  });
});

describe('extra info', () => {
  it('is written and read in the order of RocketMQ', () => {
    const info = {
      ckQueueOffset: 7,
      popTime: 1_700_000_000_000,
      invisibleTime: 60_000,
      reviveQid: 2,
      retry: '1',
      brokerName: 'broker-a',
      queueId: 4,
      queueOffset: 9,
    } as const;
    expect(encodePopExtraInfo(info)).toBe('7 1700000000000 60000 2 1 broker-a 4 9');
    expect(decodePopExtraInfo('7 1700000000000 60000 2 1 broker-a 4 9')).toEqual(info);
    expect(decodePopExtraInfo('7 1 2 2 1 b 4')).not.toHaveProperty('queueOffset');
  });

  it.each([
    '',
    '1 2 3',
    'x 1 1 1 0 b 1 1',
    '1 1 1 1 3 b 1 1',
    '1 1 1 1 0  1 1',
    '1 99999999999999999 1 1 0 b 1',
    'a'.repeat(1025),
  ])('refuses %j', (text) => {
    expect(() => decodePopExtraInfo(text)).toThrow(ProtocolError);
  });
});

describe('offset infos', () => {
  it('are written and read', () => {
    expect(
      encodeStartOffsetInfo([
        { retry: '0', queueId: 1, startOffset: 10 },
        { retry: '1', queueId: 0, startOffset: 3 },
      ]),
    ).toBe('0 1 10;1 0 3');
    expect([...decodeStartOffsetInfo('0 1 10;1 0 3')]).toEqual([
      ['0@1', 10],
      ['1@0', 3],
    ]);
    expect(encodeMsgOffsetInfo([{ retry: '0', queueId: 1, offsets: [10, 12] }])).toBe('0 1 10,12');
    expect(decodeMsgOffsetInfo('0 1 10,12').get('0@1')).toEqual([10, 12]);
    expect(
      encodeOrderCountInfo([
        { retry: '0', queueId: 1, count: 2 },
        { retry: '0', queueId: 1, queueOffset: 11, count: 2 },
      ]),
    ).toBe('0 1 2;0 qo1%11 2');
    expect([...decodeOrderCountInfo('0 1 2;0 qo1%11 2').keys()]).toEqual(['0@1', '0@qo1%11']);
    expect(decodeStartOffsetInfo('').size).toBe(0);
  });

  it.each(['0 1', '0 1 x', '9 1 1', '0 1 1;0 1 2', '0 1 1;', `${'0 1 1;'.repeat(1_100)}`, '1'.repeat(70_000)])(
    'refuses %.20j',
    (text) => {
      expect(() => decodeStartOffsetInfo(text)).toThrow(ProtocolError);
    },
  );

  it('refuses more offsets of a queue than a pop can bring', () => {
    expect(() => decodeMsgOffsetInfo(`0 1 ${Array.from({ length: 1025 }, (_, i) => i).join(',')}`)).toThrow(
      /offsets of a queue/,
    );
  });
});

describe('bodies of pop', () => {
  it('carry a batch of acknowledgements under short names and a bit set', () => {
    const body = encodeBatchAckMessageRequestBody({ brokerName: 'b', acks: [ack] });
    const [written] = (JSON.parse(body.toString()) as { acks: Record<string, unknown>[] }).acks;
    expect(written).toMatchObject({ c: 'g', t: 't', r: '0', so: 100, q: 3, rq: 5 });
    expect([...Buffer.from(written['b'] as string, 'base64')]).toEqual([5, 2, 0, 0, 0, 0, 0, 0, 64]);
    expect(decodeBatchAckMessageRequestBody(body)).toEqual({ brokerName: 'b', acks: [ack] });
  });

  it('read acknowledgements under long names', () => {
    const long = {
      consumerGroup: 'g',
      topic: 't',
      retry: '0',
      startOffset: 100,
      queueId: 3,
      reviveQueueId: 5,
      popTime: 1_700_000_000_000,
      invisibleTime: 60_000,
      bitSet: 'BQIAAAAAAABA',
    };
    expect(decodeBatchAckMessageRequestBody(JSON.stringify({ brokerName: 'b', acks: [long] })).acks).toEqual([ack]);
  });

  it('refuse batches above their limits', () => {
    const many = { brokerName: 'b', acks: new Array<object>(BATCH_ACK_ENTRIES_MAX + 1).fill({}) };
    expect(() => decodeBatchAckMessageRequestBody(JSON.stringify(many))).toThrow(/at most 10000/);
    const wide = { c: 'g', t: 't', r: '0', b: Buffer.alloc(200_000).toString('base64') };
    expect(() => decodeBatchAckMessageRequestBody(JSON.stringify({ acks: [wide] }))).toThrow(/bit set/);
    const full = { c: 'g', t: 't', r: '0', b: Buffer.alloc(1_000, 0xff).toString('base64') };
    expect(() => decodeBatchAckMessageRequestBody(JSON.stringify({ acks: [full] }))).toThrow(/messages in an entry/);
    expect(() => encodeBatchAckMessageRequestBody({ brokerName: 'b', acks: [{ ...ack, bitSet: [-1] }] })).toThrow(
      ProtocolError,
    );
  });

  it('carry check points and acknowledgements of the revive topic under the names of the Java broker', () => {
    const ck = '{"bm":0,"bn":"b","c":"g","d":[0,2],"it":60000,"n":2,"pt":1700000000000,"q":3,"ro":0,"so":100,"t":"t"}';
    expect(encodePopCheckPoint(decodePopCheckPoint(ck)).toString()).toBe(ck);
    expect(() => decodePopCheckPoint('{"n":33}')).toThrow(/at most 32/);
    const one = {
      ackOffsets: [5],
      startOffset: 4,
      consumerGroup: 'g',
      topic: 't',
      queueId: 1,
      popTime: 9,
      brokerName: 'b',
    };
    expect(JSON.parse(encodePopAckMsg(one).toString())).toEqual({ ao: 5, so: 4, c: 'g', t: 't', q: 1, pt: 9, bn: 'b' });
    expect(decodePopAckMsg(encodePopAckMsg(one))).toEqual(one);
    const two = { ...one, ackOffsets: [5, 6] };
    expect(decodePopAckMsg(encodePopBatchAckMsg(two))).toEqual(two);
  });

  it('carry request modes and assignments', () => {
    const mode = { topic: 't', consumerGroup: 'g', mode: 'POP', popShareQueueNum: -1 } as const;
    expect(decodeSetMessageRequestModeRequestBody(JSON.stringify(mode))).toEqual(mode);
    expect(() => decodeSetMessageRequestModeRequestBody(JSON.stringify({ ...mode, mode: 'PUSH' }))).toThrow(
      /PULL or POP/,
    );
    const table = encodeMessageRequestModeTable({ modes: [mode] });
    expect(JSON.parse(table.toString())).toEqual({ messageRequestModeMap: { t: { g: mode } } });
    expect(decodeMessageRequestModeTable(table)).toEqual({ modes: [mode] });
    const messageQueue = { topic: 't', brokerName: 'b', queueId: -1 };
    const assignment = { messageQueueAssignments: [{ messageQueue, mode: 'POP' as const }] };
    expect(decodeQueryAssignmentResponseBody(encodeQueryAssignmentResponseBody(assignment))).toEqual(assignment);
    expect(encodeQueryAssignmentResponseBody({ messageQueueAssignments: undefined }).toString()).toBe('{}');
    expect(decodeQueryAssignmentResponseBody('{}').messageQueueAssignments).toBeUndefined();
  });
});

describe('headers of pop', () => {
  it('carry a pop', () => {
    const pop = {
      consumerGroup: 'g',
      topic: 't',
      queueId: -1,
      maxMsgNums: 32,
      invisibleTime: 60_000,
      pollTime: 15_000,
      bornTime: 1_700_000_000_000,
      initMode: 1,
      expType: 'TAG',
      exp: 'a || b',
      order: true,
      attemptId: undefined,
    };
    expect(decodePopMessageRequest(RemotingCommand.request(200050, encodePopMessageRequest(pop)))).toEqual(pop);
    expect(() => decodePopMessageRequest(RemotingCommand.request(200050, { consumerGroup: 'g', topic: 't' }))).toThrow(
      /queueId/,
    );
    const response = { hasMsg: true, pollingFull: false };
    expect(
      decodeNotificationResponse(RemotingCommand.response(0, { fields: encodeNotificationResponse(response) })),
    ).toEqual(response);
  });
});
