import { describe, expect, it } from 'vitest';
import {
  decodeBrokerMemberGroup,
  decodeClusterInfo,
  decodeDataVersion,
  decodeNotifyMinBrokerIdChangeRequest,
  decodeTopicList,
  decodeTopicRouteData,
  encodeDataVersion,
  encodeRegisterBrokerBody,
  encodeTopicConfigSerializeWrapper,
  encodeTopicRouteData,
  bodyCrc32,
  MqVersion,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
} from '@rocknest/protocol';
import { RemotingServer } from '@rocknest/remoting';
import { waitFor } from '../support/wait-for.js';
import { topicConfig } from './support/namesrv-peer.js';
import { useNamesrvs } from './support/namesrvs.js';

const { start, connect } = useNamesrvs();

const v479 = 479;
const topicList = (answer: RemotingCommand): string[] => decodeTopicList(answer.bodyBuffer).topicList.sort();

describe('a namesrv', () => {
  it('serves the route of a registered topic', async () => {
    const namesrv = await start();
    const broker = connect(namesrv);
    expect((await broker.register()).code).toBe(ResponseCode.SUCCESS);
    const answer = await connect(namesrv).route('t1');
    expect(answer.code).toBe(ResponseCode.SUCCESS);
    expect(decodeTopicRouteData(answer.bodyBuffer)).toEqual({
      queueDatas: [{ brokerName: 'broker-a', readQueueNums: 8, writeQueueNums: 8, perm: 6, topicSysFlag: 0 }],
      brokerDatas: [
        {
          cluster: 'c',
          brokerName: 'broker-a',
          brokerAddrs: new Map([[0, '127.0.0.1:10911']]),
          enableActingMaster: false,
        },
      ],
      filterServerTable: {},
    });
  });

  it('answers 17 for a topic that nobody has', async () => {
    const answer = await connect(await start()).route('nothing');
    expect(answer.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(answer.remark).toMatch(/^No topic route info in name server for the topic: nothing/);
  });

  it('writes routes in the form that the version of the client wants', async () => {
    const namesrv = await start();
    const broker = connect(namesrv);
    await broker.register({ zoneName: 'zürich' });
    const text = async (fields: Record<string, boolean>, version: number) =>
      (await broker.route('t1', fields, version)).bodyBuffer.toString('utf8');
    const bare =
      '{"brokerDatas":[{"brokerAddrs":{0:"127.0.0.1:10911"},"brokerName":"broker-a","cluster":"c","enableActingMaster":false,"zoneName":"zürich"}],' +
      '"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}';
    expect(await text({}, 317)).toBe(bare);
    expect(await text({ acceptStandardJsonOnly: false }, MqVersion.V4_9_4 - 1)).toBe(bare);
    const standard = bare.replace('{0:', '{"0":').replace('zürich', 'z\\u00FCrich');
    expect(await text({}, MqVersion.V4_9_4)).toBe(standard);
    expect(await text({}, v479)).toBe(standard);
    expect(await text({ acceptStandardJsonOnly: true }, 317)).toBe(standard);
  });

  it('filters a route by zone, in the bare form for everybody', async () => {
    const broker = connect(await start());
    await broker.register({ zoneName: 'z1' });
    await broker.register({ brokerName: 'broker-b', brokerAddr: '127.0.0.1:10921', zoneName: 'z2' });
    const route = async (fields: Record<string, string>) => (await broker.route('t1', fields, v479)).bodyBuffer;
    const filtered = await route({ __ZONE_MODE: 'true', __ZONE_NAME: 'Z2' });
    expect(filtered.toString()).toContain('{0:');
    expect(decodeTopicRouteData(filtered).brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-b']);
    expect(decodeTopicRouteData(await route({ __ZONE_NAME: 'Z2' })).brokerDatas).toHaveLength(2);
  });

  it('drops a broker at once when its connection closes', async () => {
    const namesrv = await start();
    const broker = connect(namesrv);
    const client = connect(namesrv);
    await broker.register();
    expect((await client.route('t1')).code).toBe(ResponseCode.SUCCESS);
    await broker.close();
    await waitFor(
      async () => (await client.route('t1')).code === ResponseCode.TOPIC_NOT_EXIST,
      'the broker to be gone',
    );
    const info = decodeClusterInfo((await client.send(RequestCode.GET_BROKER_CLUSTER_INFO)).bodyBuffer);
    expect(info).toEqual({ brokerAddrTable: {}, clusterAddrTable: {} });
  });

  it('drops a broker that goes silent, and its connection', async () => {
    const namesrv = await start({ scanNotActiveBrokerInterval: 20 });
    const broker = connect(namesrv);
    const client = connect(namesrv);
    await broker.register({ heartbeatTimeoutMillis: 150 });
    await waitFor(
      async () => (await client.route('t1')).code === ResponseCode.TOPIC_NOT_EXIST,
      'the broker to be gone',
    );
  });

  it('takes a departure', async () => {
    const broker = connect(await start());
    await broker.register();
    const fields = { brokerName: 'broker-a', brokerAddr: '127.0.0.1:10911', clusterName: 'c', brokerId: 0 };
    expect((await broker.send(RequestCode.UNREGISTER_BROKER, fields)).code).toBe(ResponseCode.SUCCESS);
    expect((await broker.route('t1')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  it('reads registrations in all forms', async () => {
    const broker = connect(await start());
    expect((await broker.register({ deflate: true, topics: ['a1', 'a2'] })).code).toBe(0);
    const wrapper = {
      topicConfigTable: { b1: topicConfig('b1'), b2: topicConfig('b2') },
      dataVersion: { stateVersion: 0, timestamp: 9, counter: 9 },
    };
    const fields = {
      brokerName: 'broker-old',
      brokerAddr: '127.0.0.1:1',
      clusterName: 'c',
      haServerAddr: 'x',
      brokerId: 0,
    };
    const old = encodeTopicConfigSerializeWrapper(wrapper);
    expect((await broker.send(RequestCode.REGISTER_BROKER, fields, old, 36)).code).toBe(0);
    expect(topicList(await broker.send(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER))).toEqual([
      'a1',
      'a2',
      'b1',
      'b2',
    ]);
    const empty = { ...fields, brokerName: 'broker-empty', brokerAddr: '127.0.0.1:2' };
    expect((await broker.send(RequestCode.REGISTER_BROKER, empty)).code).toBe(0);
  });

  it('refuses registrations that cannot be right', async () => {
    const broker = connect(await start());
    const answer = async (promise: Promise<RemotingCommand>) => {
      const { code, remark } = await promise;
      return [code, remark];
    };
    expect(await answer(broker.register({ bodyCrc32: 1 }))).toEqual([1, 'crc32 not match']);
    expect(await answer(broker.register({ topics: ['t1'] }))).toEqual([1, 'register broker failed']);
    const fields = { brokerName: 'b', brokerAddr: 'a:1', clusterName: 'c', haServerAddr: 'x', brokerId: 0 };
    const broken = broker.send(RequestCode.REGISTER_BROKER, fields, Buffer.from('{"topicConfig'));
    expect((await broken).code).toBe(ResponseCode.SYSTEM_ERROR);
    const { brokerName: _, ...nameless } = fields;
    expect((await answer(broker.send(RequestCode.REGISTER_BROKER, nameless)))[1]).toContain('brokerName');
    expect((await broker.send(4_711)).code).toBe(ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
  });

  it('checks the CRC of a registration that has one', async () => {
    const broker = connect(await start());
    const body = encodeRegisterBrokerBody({
      topicConfigSerializeWrapper: {
        topicConfigTable: { t1: topicConfig('t1'), t2: topicConfig('t2') },
        dataVersion: { stateVersion: 0, timestamp: 1, counter: 1 },
      },
      filterServerList: [],
    });
    expect((await broker.register({ bodyCrc32: bodyCrc32(body) })).code).toBe(0);
  });

  it('tells a slave where its master is', async () => {
    const broker = connect(await start());
    const master = await broker.register();
    expect([master.field('masterAddr'), master.field('haServerAddr')]).toEqual([undefined, undefined]);
    const slave = await broker.register({ brokerId: 1, brokerAddr: '127.0.0.1:10921' });
    expect([slave.field('masterAddr'), slave.field('haServerAddr')]).toEqual(['127.0.0.1:10911', '127.0.0.1:10912']);
    const group = await broker.send(RequestCode.GET_BROKER_MEMBER_GROUP, { clusterName: 'c', brokerName: 'broker-a' });
    expect(decodeBrokerMemberGroup(group.bodyBuffer)).toEqual({
      cluster: 'c',
      brokerName: 'broker-a',
      brokerAddrs: new Map([
        [0, '127.0.0.1:10911'],
        [1, '127.0.0.1:10921'],
      ]),
    });
  });

  it('answers whether a version is known, and takes heartbeats', async () => {
    const broker = connect(await start());
    const fields = { brokerName: 'broker-a', brokerAddr: '127.0.0.1:10911', clusterName: 'c', brokerId: 0 };
    const dataVersion = { stateVersion: 0, timestamp: 1_700_000_000_000, counter: 3 };
    const ask = () => broker.send(RequestCode.QUERY_DATA_VERSION, fields, encodeDataVersion(dataVersion));
    const unknown = await ask();
    expect([unknown.field('changed'), unknown.bodyBuffer.length]).toEqual(['true', 0]);
    await broker.register({ dataVersion });
    const known = await ask();
    expect(known.field('changed')).toBe('false');
    expect(decodeDataVersion(known.bodyBuffer)).toEqual(dataVersion);
    expect((await broker.send(RequestCode.BROKER_HEARTBEAT, fields)).code).toBe(0);
  });

  it('changes write permissions, deletes and registers topics', async () => {
    const broker = connect(await start());
    await broker.register();
    const wiped = await broker.send(RequestCode.WIPE_WRITE_PERM_OF_BROKER, { brokerName: 'broker-a' });
    expect(wiped.field('wipeTopicCount')).toBe('2');
    const perm = async () => decodeTopicRouteData((await broker.route('t1')).bodyBuffer).queueDatas[0]?.perm;
    expect(await perm()).toBe(4);
    const added = await broker.send(RequestCode.ADD_WRITE_PERM_OF_BROKER, { brokerName: 'broker-a' });
    expect([added.field('addTopicCount'), await perm()]).toEqual(['2', 6]);
    await broker.send(RequestCode.DELETE_TOPIC_IN_NAMESRV, { topic: 't1', clusterName: 'other' });
    expect((await broker.route('t1')).code).toBe(0);
    await broker.send(RequestCode.DELETE_TOPIC_IN_NAMESRV, { topic: 't1' });
    expect((await broker.route('t1')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    const queueDatas = [{ brokerName: 'broker-a', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 }];
    const route = encodeTopicRouteData({ queueDatas, brokerDatas: [], filterServerTable: {} }, { standardJson: true });
    await broker.send(RequestCode.REGISTER_TOPIC_IN_NAMESRV, { topic: 't9' }, route);
    expect(decodeTopicRouteData((await broker.route('t9')).bodyBuffer).queueDatas).toEqual(queueDatas);
  });

  it('lists clusters and topics, where that is not switched off', async () => {
    const namesrv = await start();
    const broker = connect(namesrv);
    await broker.register({ topics: [topicConfig('u', { topicSysFlag: 3 }), topicConfig('s', { topicSysFlag: 2 })] });
    const list = async (code: number, fields = {}) => topicList(await broker.send(code, fields));
    expect(await list(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)).toEqual(['s', 'u']);
    expect(await list(RequestCode.GET_TOPICS_BY_CLUSTER, { cluster: 'c' })).toEqual(['s', 'u']);
    expect(await list(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS)).toEqual(['broker-a', 'c']);
    expect(await list(RequestCode.GET_UNIT_TOPIC_LIST)).toEqual(['u']);
    expect(await list(RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST)).toEqual(['s', 'u']);
    expect(await list(RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST)).toEqual(['s']);
    const info = await broker.send(RequestCode.GET_BROKER_CLUSTER_INFO, {}, undefined, v479);
    expect(info.bodyBuffer.toString()).toContain('"brokerAddrs":{0:"127.0.0.1:10911"}');

    const off = connect(await start({ enableAllTopicList: false, enableTopicList: false }));
    for (const code of [206, 224, 311, 312, 313]) {
      const answer = await off.send(code, { cluster: 'c' });
      expect([answer.code, answer.remark]).toEqual([ResponseCode.SYSTEM_ERROR, 'disable']);
    }
  });

  it('gives brokers time to register before clients ask, where that is switched on', async () => {
    const namesrv = await start({ needWaitForService: true, waitSecondsForService: 3_600 });
    const broker = connect(namesrv);
    await broker.register();
    const answer = await broker.route('t1');
    expect([answer.code, answer.remark]).toEqual([ResponseCode.SYSTEM_ERROR, 'name server not ready']);
    await broker.send(RequestCode.UPDATE_NAMESRV_CONFIG, {}, Buffer.from('waitSecondsForService=0'));
    expect((await broker.route('t1')).code).toBe(0);
  });

  it('tells brokers when the smallest id of their group changes, where that is switched on', async () => {
    const notices: RemotingCommand[] = [];
    const slave = new RemotingServer();
    slave.register(RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE, (request) => {
      notices.push(request);
    });
    const { host, port } = await slave.listen();
    const brokerAddr = `${host}:${port}`;
    try {
      const namesrv = await start({ notifyMinBrokerIdChanged: true });
      const slavePeer = connect(namesrv);
      await slavePeer.register({ brokerId: 1, brokerAddr, enableActingMaster: true });
      const master = connect(namesrv);
      await master.register({ enableActingMaster: true });
      await waitFor(() => notices.length === 1, 'the notice that the master came');
      await master.close();
      await waitFor(() => notices.length === 2, 'the notice that the master left');
      expect(notices.map(decodeNotifyMinBrokerIdChangeRequest)).toEqual([
        {
          brokerName: 'broker-a',
          minBrokerId: 0,
          minBrokerAddr: '127.0.0.1:10911',
          offlineBrokerAddr: undefined,
          haBrokerAddr: '127.0.0.1:10912',
        },
        {
          brokerName: 'broker-a',
          minBrokerId: 1,
          minBrokerAddr: brokerAddr,
          offlineBrokerAddr: '127.0.0.1:10911',
          haBrokerAddr: undefined,
        },
      ]);
    } finally {
      await slave.close();
    }
  });
});
