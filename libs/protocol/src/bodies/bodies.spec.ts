import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../errors.js';
import {
  decodeConsumerRunningInfo,
  decodeConsumeTimeSpans,
  decodeResetOffsetBody,
  encodeConsumeStats,
  encodeConsumeStatsList,
  encodeConsumeTimeSpans,
  encodeCorrectionOffsets,
  encodeGroupSubscription,
  encodeResetOffsetBody,
  encodeResetOffsetBodyForC,
  decodeHeartbeatData,
  decodeLockBatchRequestBody,
  decodeRegisterBrokerBody,
  decodeSubscriptionGroupConfig,
  decodeTopicRouteData,
  decodeTopicStatsTable,
  defaultSubscriptionGroupConfig,
  encodeCompressedRegisterBrokerBody,
  encodeConsumerRunningInfo,
  encodeHeartbeatData,
  encodeLockBatchRequestBody,
  encodeRegisterBrokerBody,
  encodeTopicRouteData,
  encodeTopicStatsTable,
  type RegisterBrokerBody,
  type TopicRouteData,
} from './index.js';

const queue = { topic: 't', brokerName: 'b', queueId: 3 };
const subscription = {
  topic: 't',
  subString: 'a || b',
  tagsSet: ['a', 'b'],
  codeSet: [97, 98],
  subVersion: 1_690_000_000_000,
  expressionType: 'TAG',
  classFilterMode: false,
};

describe('bodies', () => {
  it('route: bare broker ids for old clients, quoted ones for new', () => {
    const route: TopicRouteData = {
      queueDatas: [{ brokerName: 'b', readQueueNums: 8, writeQueueNums: 8, perm: 6, topicSysFlag: 0 }],
      brokerDatas: [
        {
          cluster: 'c',
          brokerName: 'b',
          brokerAddrs: new Map([
            [0, '1.2.3.4:1'],
            [1, '1.2.3.4:2'],
          ]),
          enableActingMaster: false,
        },
      ],
      filterServerTable: {},
    };
    const legacy = encodeTopicRouteData(route, { standardJson: false });
    expect(legacy.toString()).toBe(
      '{"brokerDatas":[{"brokerAddrs":{0:"1.2.3.4:1",1:"1.2.3.4:2"},"brokerName":"b","cluster":"c","enableActingMaster":false}],' +
        '"filterServerTable":{},"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}',
    );
    const standard = encodeTopicRouteData(route, { standardJson: true });
    expect(JSON.parse(standard.toString())).toMatchObject({ brokerDatas: [{ brokerAddrs: { '0': '1.2.3.4:1' } }] });
    expect(decodeTopicRouteData(legacy)).toEqual(route);
    expect(decodeTopicRouteData(standard)).toEqual(route);
  });

  it('heartbeat', () => {
    const heartbeat = {
      clientID: 'ip@1',
      producerDataSet: [{ groupName: 'pg' }],
      consumerDataSet: [
        {
          groupName: 'g',
          consumeType: 'CONSUME_PASSIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          subscriptionDataSet: [subscription],
          unitMode: false,
        },
      ],
      heartbeatFingerprint: 0,
      withoutSub: false,
    };
    expect(decodeHeartbeatData(encodeHeartbeatData(heartbeat))).toEqual(heartbeat);
    expect(() => decodeHeartbeatData('[]')).toThrow(ProtocolError);
    expect(() => decodeHeartbeatData('{"consumerDataSet":[{}]}')).toThrow(/groupName/);
  });

  it('broker registration, plain and compressed', () => {
    const topic = {
      topicName: 'orders',
      readQueueNums: 4,
      writeQueueNums: 8,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      attributes: { 'message.type': 'FIFO' },
    };
    const body: RegisterBrokerBody = {
      topicConfigSerializeWrapper: {
        topicConfigTable: { orders: topic },
        dataVersion: { stateVersion: 0, timestamp: 5, counter: 7 },
      },
      filterServerList: [],
    };
    expect(decodeRegisterBrokerBody(encodeRegisterBrokerBody(body))).toEqual(body);
    const compressed = encodeCompressedRegisterBrokerBody(body);
    expect(decodeRegisterBrokerBody(compressed)).toEqual(body);
    expect(() => decodeRegisterBrokerBody(compressed.subarray(0, 20))).toThrow(ProtocolError);
    expect(() => decodeRegisterBrokerBody(deflateSync(Buffer.from([0, 0, 255, 0])))).toThrow(/ends too early/);
  });

  it('tables with queues as keys', () => {
    const stats = {
      topicPutTps: 0,
      offsetTable: [{ queue, value: { minOffset: 0, maxOffset: 9, lastUpdateTimestamp: 5 } }],
    };
    const bytes = encodeTopicStatsTable(stats);
    expect(bytes.toString()).toBe(
      '{"offsetTable":{{"brokerName":"b","queueId":3,"topic":"t"}:{"lastUpdateTimestamp":5,"maxOffset":9,"minOffset":0}},"topicPutTps":0}',
    );
    expect(decodeTopicStatsTable(bytes)).toEqual(stats);
    expect(() => decodeTopicStatsTable('{"offsetTable":{"t":{}}}')).toThrow(/message queues as keys/);
  });

  it('offsets to reset, for most clients and for C++', () => {
    const body = { offsetTable: [{ queue, value: 7 }] };
    expect(decodeResetOffsetBody(encodeResetOffsetBody(body))).toEqual(body);
    const forC = encodeResetOffsetBodyForC(body);
    expect(forC.toString()).toBe('{"offsetTable":[{"brokerName":"b","offset":7,"queueId":3,"topic":"t"}]}');
    expect(decodeResetOffsetBody(forC)).toEqual(body);
    expect(() => decodeResetOffsetBody('{"offsetTable":[{"topic":"t","brokerName":"b","queueId":1}]}')).toThrow(
      /offset/,
    );
  });

  it('what tools ask about consumption', () => {
    const spans = {
      consumeTimeSpanSet: [
        { messageQueue: queue, minTimeStamp: 1, maxTimeStamp: 9, consumeTimeStamp: 5, delayTime: 3 },
      ],
    };
    expect(decodeConsumeTimeSpans(encodeConsumeTimeSpans(spans))).toEqual(spans);
    expect(
      encodeCorrectionOffsets(
        new Map<number, number | 'behind'>([
          [0, 5],
          [1, 'behind'],
        ]),
      ).toString(),
    ).toBe('{"correctionOffsets":{0:5,1:9223372036854775807}}');
    const stats = {
      consumeTps: 0,
      offsetTable: [{ queue, value: { brokerOffset: 9, consumerOffset: 5, pullOffset: 5, lastTimestamp: 1 } }],
    };
    const list = { brokerAddr: 'a', totalDiff: 4, totalInflightDiff: 0, consumeStatsList: new Map([['g', [stats]]]) };
    expect(encodeConsumeStatsList(list).toString()).toBe(
      `{"brokerAddr":"a","consumeStatsList":[{"g":[${encodeConsumeStats(stats).toString()}]}],"totalDiff":4,"totalInflightDiff":0}`,
    );
    expect(encodeGroupSubscription({ group: 'g', topic: 't' }).toString()).toBe('{"group":"g","topic":"t"}');
  });

  it('locks, running info, groups', () => {
    const lock = { consumerGroup: 'g', clientId: 'c', mqSet: [queue], onlyThisBroker: false };
    expect(decodeLockBatchRequestBody(encodeLockBatchRequestBody(lock))).toEqual(lock);
    const info = decodeConsumerRunningInfo(
      '{"mqTable":{{"topic":"t","brokerName":"b","queueId":3}:{"commitOffset":5,"droped":true}},"statusTable":{"t":{"pullRT":1.5}}}',
    );
    expect(info.mqTable).toMatchObject([{ queue, value: { commitOffset: 5, droped: true, locked: false } }]);
    expect(decodeConsumerRunningInfo(encodeConsumerRunningInfo(info))).toEqual(info);
    expect(decodeSubscriptionGroupConfig('{"groupName":"g"}')).toEqual(defaultSubscriptionGroupConfig('g'));
    expect(defaultSubscriptionGroupConfig('g')).toMatchObject({ retryMaxTimes: 16, consumeEnable: true });
  });
});
