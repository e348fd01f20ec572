import { describe, expect, it } from 'vitest';
import * as protocol from '../src/index.js';
import { GOLDEN_VERSIONS, goldenBytes, type GoldenVersion } from '../../../test/support/golden-fixtures.js';

const queue = (queueId: number) => ({ topic: 'TopicTest', brokerName: 'bröker-a', queueId });
const subscription = {
  topic: 'TopicTest',
  subString: 'TagA || TagB',
  tagsSet: ['TagA', 'TagB'],
  codeSet: [2598919, 2598920],
  subVersion: 1_700_000_000_000,
  expressionType: 'TAG',
  classFilterMode: false,
};
const dataVersion = { stateVersion: 0, timestamp: 1_700_000_000_000, counter: 7 };
const topicConfigTable = {
  TopicTest: {
    topicName: 'TopicTest',
    readQueueNums: 8,
    writeQueueNums: 4,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
  },
  OrderTopic: {
    topicName: 'OrderTopic',
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 4,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 1,
    order: true,
    attributes: {},
  },
};
const broker = {
  cluster: 'DefaultCluster',
  brokerName: 'bröker-a',
  brokerAddrs: new Map([
    [0, '10.0.0.2:10911'],
    [1, '10.0.0.3:10911'],
  ]),
  enableActingMaster: false,
};
const route = {
  orderTopicConf: 'bröker-a:8',
  queueDatas: [{ brokerName: 'bröker-a', readQueueNums: 8, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
  brokerDatas: [broker],
  filterServerTable: {},
};
const offsets = [
  { queue: queue(1), value: 5_000_000_000 },
  { queue: queue(0), value: 42 },
];
const connection = { clientId: '10.0.0.1@1#2', clientAddr: '10.0.0.1:54321', language: 'JAVA', version: 409 };
const processQueue = (id: number) => ({
  commitOffset: 5_000_000_000 + id,
  cachedMsgMinOffset: 0,
  cachedMsgMaxOffset: 0,
  cachedMsgCount: 3,
  cachedMsgSizeInMiB: 0,
  transactionMsgMinOffset: 0,
  transactionMsgMaxOffset: 0,
  transactionMsgCount: 0,
  locked: id === 1,
  tryUnlockTimes: 0,
  lastLockTimestamp: 0,
  droped: false,
  lastPullTimestamp: 1_700_000_000_000,
  lastConsumeTimestamp: 1_700_000_000_001,
});
const NEWER_MEMBERS = 'we write the members of 5.x, with their defaults';
const ODD_TEXT = 'what "is" wrong: \\ / \b\f\n\r\t \u0001\u001f\u007f\u0080\u00a0 é漢 😀 \u2028\u2029';

interface BodyCase<T = unknown> {
  decode(body: Buffer): T;
  encode(body: T): Buffer;
  expected: unknown;
}

/** Keeps decoder and encoder of one case on one type. */
function body<T>(decode: (body: Buffer) => T, encode: (body: T) => Buffer, expected: unknown): BodyCase {
  return { decode, encode: (value) => encode(value as T), expected };
}

const encodeRoute = (standardJson: boolean) => (data: protocol.TopicRouteData) =>
  protocol.encodeTopicRouteData(data, { standardJson });

/** 5.x brokers tell about static topics too. */
const wrapper = (version: GoldenVersion) => ({
  topicConfigTable,
  dataVersion,
  ...(version !== '4.9.8' && {
    mappingDataVersion: dataVersion,
    topicQueueMappingInfoMap: {},
    topicQueueMappingDetailMap: {},
  }),
});
const registration = {
  topicConfigSerializeWrapper: { topicConfigTable, dataVersion },
  filterServerList: ['10.0.0.9:1'],
};
/** The compressed form has no place for `order` and `topicSysFlag`. */
const compressedTable = {
  ...topicConfigTable,
  OrderTopic: { ...topicConfigTable.OrderTopic, topicSysFlag: 0, order: false },
};

const bodies = (version: GoldenVersion): Record<string, BodyCase> => ({
  'heartbeat-data': body(protocol.decodeHeartbeatData, protocol.encodeHeartbeatData, {
    clientID: '10.0.0.1@1#2',
    producerDataSet: [{ groupName: 'producer-group' }],
    consumerDataSet: [
      {
        groupName: 'group',
        consumeType: 'CONSUME_PASSIVELY',
        messageModel: 'CLUSTERING',
        consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
        subscriptionDataSet: [subscription],
        unitMode: false,
      },
    ],
    heartbeatFingerprint: 0,
    withoutSub: false,
  }),
  'data-version': body(protocol.decodeDataVersion, protocol.encodeDataVersion, dataVersion),
  'register-broker-body': body(protocol.decodeRegisterBrokerBody, protocol.encodeRegisterBrokerBody, {
    ...registration,
    topicConfigSerializeWrapper: wrapper(version),
  }),
  'register-broker-body-compressed': body(
    protocol.decodeRegisterBrokerBody,
    protocol.encodeCompressedRegisterBrokerBody,
    {
      ...registration,
      topicConfigSerializeWrapper: { topicConfigTable: compressedTable, dataVersion },
    },
  ),
  'topic-config-wrapper': body(
    protocol.decodeTopicConfigSerializeWrapper,
    protocol.encodeTopicConfigSerializeWrapper,
    wrapper(version),
  ),
  'topic-route-data': body(protocol.decodeTopicRouteData, encodeRoute(false), route),
  'topic-route-data-standard': body(protocol.decodeTopicRouteData, encodeRoute(true), route),
  'cluster-info': body(protocol.decodeClusterInfo, protocol.encodeClusterInfo, {
    brokerAddrTable: { 'bröker-a': broker },
    clusterAddrTable: { DefaultCluster: ['bröker-a'] },
  }),
  'subscription-group-wrapper': body(protocol.decodeSubscriptionGroupWrapper, protocol.encodeSubscriptionGroupWrapper, {
    subscriptionGroupTable: { group: { ...protocol.defaultSubscriptionGroupConfig('group'), retryMaxTimes: 5 } },
    forbiddenTable: {},
    dataVersion,
  }),
  'topic-list': body(protocol.decodeTopicList, protocol.encodeTopicList, {
    topicList: ['%RETRY%group', 'TopicTest', 'TBW102'],
    brokerAddr: '10.0.0.2:10911',
  }),
  'group-list': body(protocol.decodeGroupList, protocol.encodeGroupList, { groupList: ['other', 'group'] }),
  'kv-table': body(protocol.decodeKVTable, protocol.encodeKVTable, {
    table: { OrderTopic: 'broker-a:8;broker-b:8', text: ODD_TEXT },
  }),
  'consumer-id-list': body(
    protocol.decodeGetConsumerListByGroupResponseBody,
    protocol.encodeGetConsumerListByGroupResponseBody,
    {
      consumerIdList: ['10.0.0.1@1#2', '10.0.0.1@3#4'],
    },
  ),
  'lock-batch-request': body(protocol.decodeLockBatchRequestBody, protocol.encodeLockBatchRequestBody, {
    consumerGroup: 'group',
    clientId: '10.0.0.1@1#2',
    mqSet: [queue(1), queue(0)],
    onlyThisBroker: false,
  }),
  'lock-batch-response': body(protocol.decodeLockBatchResponseBody, protocol.encodeLockBatchResponseBody, {
    lockOKMQSet: [queue(1), queue(0)],
  }),
  'consumer-connection': body(protocol.decodeConsumerConnection, protocol.encodeConsumerConnection, {
    connectionSet: [connection],
    subscriptionTable: { TopicTest: { ...subscription, subString: '*', tagsSet: [], codeSet: [] } },
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'BROADCASTING',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  }),
  'producer-connection': body(protocol.decodeProducerConnection, protocol.encodeProducerConnection, {
    connectionSet: [connection],
  }),
  'topic-stats-table': body(protocol.decodeTopicStatsTable, protocol.encodeTopicStatsTable, {
    topicPutTps: 0,
    offsetTable: [1, 0].map((id) => ({
      queue: queue(id),
      value: { minOffset: id, maxOffset: 5_000_000_000 + id, lastUpdateTimestamp: 1_700_000_000_000 + id },
    })),
  }),
  'consume-stats': body(protocol.decodeConsumeStats, protocol.encodeConsumeStats, {
    consumeTps: 12.5,
    offsetTable: [1, 0].map((id) => ({
      queue: queue(id),
      value: {
        brokerOffset: 5_000_000_000 + id,
        consumerOffset: 4_000_000_000 + id,
        pullOffset: 0,
        lastTimestamp: 1_700_000_000_000 + id,
      },
    })),
  }),
  'reset-offset-body': body(protocol.decodeResetOffsetBody, protocol.encodeResetOffsetBody, { offsetTable: offsets }),
  'get-consumer-status-body': body(protocol.decodeClientConsumerStatus, protocol.encodeClientConsumerStatus, {
    messageQueueTable: offsets,
  }),
  'consumer-running-info': body(protocol.decodeConsumerRunningInfo, protocol.encodeConsumerRunningInfo, {
    properties: { PROP_NAMESERVER_ADDR: '10.0.0.5:9876' },
    subscriptionSet: [{ ...subscription, subString: 'TagA', tagsSet: ['TagA'], codeSet: [2598919] }],
    mqTable: [0, 1].map((id) => ({ queue: queue(id), value: processQueue(id) })),
    statusTable: {
      TopicTest: {
        pullRT: 1.5,
        pullTPS: 0,
        consumeRT: 0,
        consumeOKTPS: 2.25,
        consumeFailedTPS: 0,
        consumeFailedMsgs: 3,
      },
    },
    userConsumerInfo: {},
    // Queues that are popped: 5.x only.
    ...(version === '5.4.0' && { mqPopTable: [] }),
  }),
  'consume-message-directly-result': body(
    protocol.decodeConsumeMessageDirectlyResult,
    protocol.encodeConsumeMessageDirectlyResult,
    { order: false, autoCommit: true, consumeResult: 'CR_LATER', remark: 'later', spentTimeMills: 12 },
  ),
});

/** Bodies that we write with other bytes than Java, and why; they are compared decoded. */
const OTHER_BYTES: [RegExp, string][] = [
  [
    /^4\.9\.8 (heartbeat|data-version|register|topic-config|topic-route|cluster|subscription|lock-batch-request)/,
    NEWER_MEMBERS,
  ],
  [/^4\.9\.8 (topic-stats|consume-stats|consumer-running)/, NEWER_MEMBERS],
  [/register-broker-body|topic-config-wrapper/, "topics in the order of Java's hash map, ours are sorted"],
  [/compressed/, 'zlib is free to deflate in different ways'],
  [/get-consumer-status-body/, 'two answers in one class of Java, which never sends both'],
  [/^5\.4\.0 (topic-stats-table|consumer-running-info)/, 'Java writes 0.0'],
  [/^5\.4\.0 kv-table/, 'fastjson2 escapes less than fastjson 1.2, whose escapes we write'],
  [/^5\.4\.0 topic-route-data-standard/, 'fastjson2 does not escape beyond ASCII; fastjson 1.2 does, and so do we'],
];

describe.each(GOLDEN_VERSIONS)('bodies of the Java client %s', (version: GoldenVersion) => {
  it.each(Object.entries(bodies(version)))('%s', (name, { decode, encode, expected }) => {
    const bytes = goldenBytes(version, `body-${name}.bin`);
    const decoded = decode(bytes);
    expect(decoded).toEqual(expected);
    const again = encode(decoded);
    expect(decode(again)).toEqual(expected);
    const reason = OTHER_BYTES.find(([files]) => files.test(`${version} ${name}`));
    if (reason === undefined) expect(again.toString()).toBe(bytes.toString());
    else if (!name.includes('compressed')) expect(again.equals(bytes), reason[1]).toBe(false);
  });
});

describe('the status of a group', () => {
  it.each(GOLDEN_VERSIONS)('comes back from %s', (version) => {
    const status = protocol.decodeGroupConsumerStatus(goldenBytes(version, 'body-get-consumer-status-body.bin'));
    expect(status).toEqual({ consumerTable: new Map([['10.0.0.1@1#2', offsets]]) });
    expect(protocol.decodeGroupConsumerStatus(protocol.encodeGroupConsumerStatus(status))).toEqual(status);
  });
});
