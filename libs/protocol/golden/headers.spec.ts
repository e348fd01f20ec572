import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../src/command/decode-frame.js';
import type { RemotingCommand } from '../src/command/remoting-command.js';
import * as protocol from '../src/index.js';
import { GOLDEN_VERSIONS, goldenBytes } from '../../../test/support/golden-fixtures.js';

const UNIQ_KEY = '0A0000010B2C18B4AAC2000000000001';
const OFFSET_MSG_ID = '0A00000200002A9F0000011F71FB04CB';

const send = {
  producerGroup: 'producer-group',
  topic: 'TopicTest',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: 3,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_123,
  flag: 7,
  properties: expect.stringContaining(`UNIQ_KEY\u0001${UNIQ_KEY}\u0002WAIT\u0001true\u0002TAGS\u0001TagA`),
  reconsumeTimes: 0,
  unitMode: false,
  maxReconsumeTimes: undefined,
  batch: false,
  brokerName: undefined,
};
const odd = expect.stringContaining('TAGS\u0001täg\u0002漢字\u0001😀\u0002quote\u0001"\\/\n\u001f\u007f\u0085\u0002');
const pulled = { suggestWhichBrokerId: 0, nextBeginOffset: 32, minOffset: 0, maxOffset: 5_000_000_000 };
const broker = { brokerName: 'broker-a', brokerAddr: '10.0.0.2:10911', clusterName: 'DefaultCluster' };
const transaction = {
  tranStateTableOffset: 17,
  commitLogOffset: 1_234_567_890_123,
  msgId: UNIQ_KEY,
  transactionId: UNIQ_KEY,
};

/** Frame, its decoder and what that must read. */
const headers: [string, (command: RemotingCommand) => unknown, unknown][] = [
  ['send-message', protocol.decodeSendMessageRequest, send],
  ['send-message-v2', protocol.decodeSendMessageRequest, send],
  ['send-message-v2-odd-text', protocol.decodeSendMessageRequest, { ...send, properties: odd }],
  ['send-batch-message', protocol.decodeSendMessageRequest, { ...send, batch: true }],
  [
    'send-message-v2-retry',
    protocol.decodeSendMessageRequest,
    { ...send, topic: '%RETRY%group', queueId: -1, reconsumeTimes: 3, maxReconsumeTimes: 16 },
  ],
  [
    'send-message-response',
    protocol.decodeSendMessageResponse,
    {
      msgId: OFFSET_MSG_ID,
      queueId: 3,
      queueOffset: 5_000_000_000,
      transactionId: UNIQ_KEY,
      msgRegion: 'DefaultRegion',
      traceOn: 'true',
    },
  ],
  [
    'pull-message',
    protocol.decodePullMessageRequest,
    {
      consumerGroup: 'group',
      topic: 'TopicTest',
      queueId: 3,
      queueOffset: Number.MAX_SAFE_INTEGER,
      maxMsgNums: 32,
      sysFlag: 7,
      commitOffset: 5_000_000_000,
      suspendTimeoutMillis: 15_000,
      subscription: 'TagA || TagB',
      subVersion: 1_700_000_000_000,
      expressionType: 'TAG',
      maxMsgBytes: undefined,
    },
  ],
  ['pull-message-response', protocol.decodePullMessageResponse, pulled],
  ['pull-message-not-found', protocol.decodePullMessageResponse, pulled],
  [
    'query-consumer-offset',
    protocol.decodeQueryConsumerOffsetRequest,
    { consumerGroup: 'group', topic: 'TopicTest', queueId: 3 },
  ],
  [
    'update-consumer-offset',
    protocol.decodeUpdateConsumerOffsetRequest,
    { consumerGroup: 'group', topic: 'TopicTest', queueId: 3, commitOffset: 32 },
  ],
  [
    'consumer-send-msg-back',
    protocol.decodeConsumerSendMsgBackRequest,
    {
      offset: 1_234_567_890_123,
      group: 'group',
      delayLevel: 0,
      originMsgId: UNIQ_KEY,
      originTopic: 'TopicTest',
      unitMode: false,
      maxReconsumeTimes: 16,
    },
  ],
  ['get-consumer-list-by-group', protocol.decodeGetConsumerListByGroupRequest, { consumerGroup: 'group' }],
  ['get-max-offset', protocol.decodeGetMaxOffsetRequest, { topic: 'TopicTest', queueId: 3, committed: true }],
  ['get-max-offset-response', protocol.decodeGetMaxOffsetResponse, { offset: 42 }],
  [
    'search-offset-by-timestamp',
    protocol.decodeSearchOffsetByTimestampRequest,
    { topic: 'TopicTest', queueId: 3, timestamp: 1_700_000_000_000, boundaryType: 'LOWER' },
  ],
  ['unregister-client', protocol.decodeUnregisterClientRequest, { clientID: '10.0.0.1@1#2', consumerGroup: 'group' }],
  [
    'get-routeinfo-by-topic',
    protocol.decodeGetRouteInfoByTopicRequest,
    { topic: 'TopicTest', acceptStandardJsonOnly: false },
  ],
  [
    'register-broker',
    protocol.decodeRegisterBrokerRequest,
    { ...broker, haServerAddr: '10.0.0.2:10912', brokerId: 0, compressed: false, bodyCrc32: 123_456_789 },
  ],
  [
    'register-broker-response',
    protocol.decodeRegisterBrokerResponse,
    { haServerAddr: '10.0.0.2:10912', masterAddr: '10.0.0.2:10911' },
  ],
  ['unregister-broker', protocol.decodeUnregisterBrokerRequest, { ...broker, brokerId: 1 }],
  ['query-data-version', protocol.decodeQueryDataVersionRequest, { ...broker, brokerId: 0 }],
  ['notify-consumer-ids-changed', protocol.decodeNotifyConsumerIdsChangedRequest, { consumerGroup: 'group' }],
  [
    'end-transaction',
    protocol.decodeEndTransactionRequest,
    { ...transaction, producerGroup: 'producer-group', commitOrRollback: 8, fromTransactionCheck: true },
  ],
  [
    'check-transaction-state',
    protocol.decodeCheckTransactionStateRequest,
    { ...transaction, offsetMsgId: OFFSET_MSG_ID },
  ],
  [
    'update-and-create-topic',
    protocol.decodeUpdateAndCreateTopicRequest,
    {
      topic: 'TopicTest',
      defaultTopic: 'TBW102',
      readQueueNums: 8,
      writeQueueNums: 8,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      force: false,
    },
  ],
];

const cases = GOLDEN_VERSIONS.flatMap((version) =>
  ['json', 'compact'].flatMap((form) =>
    headers.map(([name, decode, expected]) => ({ version, form, name, decode, expected })),
  ),
);

describe('headers of the Java client', () => {
  it.each(cases)('$version $name ($form)', ({ version, form, name, decode, expected }) => {
    const frame = goldenBytes(version, `frame-${name}.${form}.bin`);
    expect(decode(decodeFrame(frame.subarray(4)))).toEqual(expected);
  });
});
