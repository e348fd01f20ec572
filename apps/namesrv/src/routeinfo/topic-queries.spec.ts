import { describe, expect, it } from 'vitest';
import { Registry, topicConfig, version } from '../spec-support/registry.js';
import { filterRouteByZone } from './topic-route.js';

const SLAVE = { brokerId: 1, brokerAddr: '10.0.0.2:10911', haServerAddr: '10.0.0.2:10912' };
const OTHER = { brokerName: 'broker-b', brokerAddr: '10.0.0.5:10911' };

describe('the acting master', () => {
  const registry = (supportActingMaster: boolean): Registry => {
    const made = new Registry({ supportActingMaster });
    made.register({ ...SLAVE, enableActingMaster: true, topics: ['t1', 'rmq_sys_SYNC_BROKER_MEMBER_broker-a'] });
    made.register({ ...SLAVE, brokerId: 2, brokerAddr: '10.0.0.3:10911', enableActingMaster: true });
    return made;
  };

  it('is the smallest id, presented as 0', () => {
    expect(registry(true).addrsOf('t1')).toEqual({ 0: SLAVE.brokerAddr, 2: '10.0.0.3:10911' });
    expect(registry(false).addrsOf('t1')).toEqual({ 1: SLAVE.brokerAddr, 2: '10.0.0.3:10911' });
  });

  it('is not presented for the topic by which members find each other, nor for a group that can be written', () => {
    expect(registry(true).addrsOf('rmq_sys_SYNC_BROKER_MEMBER_broker-a')).toHaveProperty('1');
    const writable = registry(true);
    writable.routes.addWritePerm('broker-a');
    expect(writable.addrsOf('t1')).toHaveProperty('1');
  });

  it('yields to a master that comes back', () => {
    const made = registry(true);
    made.register({ enableActingMaster: true, version: version(2) });
    expect(made.addrsOf('t1')).toEqual({ 0: '10.0.0.1:10911', 1: SLAVE.brokerAddr, 2: '10.0.0.3:10911' });
    expect(made.permOf('t1')).toBe(6);
  });
});

describe('the zone filter', () => {
  it('keeps the groups of the zone and those without a master', () => {
    const registry = new Registry();
    registry.register({ zoneName: 'Zone-1', filterServers: ['f:1'] });
    registry.register({ ...OTHER, zoneName: 'zone-2', filterServers: ['f:2'] });
    registry.register({
      ...SLAVE,
      brokerName: 'broker-c',
      brokerAddr: '10.0.0.7:10911',
      zoneName: 'zone-3',
      enableActingMaster: false,
    });
    const route = registry.routes.routeOf('t1')!;
    const filtered = filterRouteByZone(route, 'ZONE-1');
    expect(filtered.brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-a', 'broker-c']);
    expect(filtered.queueDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-a', 'broker-c']);
    expect(filtered.filterServerTable).toEqual({ '10.0.0.1:10911': ['f:1'] });
    expect(route.brokerDatas).toHaveLength(3);
  });
});

describe('write permission', () => {
  it('is wiped and given back, until the broker registers with a changed version', () => {
    const registry = new Registry();
    registry.register({ topics: [topicConfig('t1', { perm: 7 }), 't2'] });
    registry.register(OTHER);
    expect(registry.routes.wipeWritePerm('broker-a')).toBe(2);
    expect([registry.permOf('t1'), registry.permOf('t2'), registry.permOf('t1', 'broker-b')]).toEqual([5, 4, 6]);
    registry.register({ topics: [topicConfig('t1', { perm: 7 }), 't2'] });
    expect(registry.permOf('t1')).toBe(5);
    expect(registry.routes.addWritePerm('broker-a')).toBe(2);
    expect(registry.permOf('t1')).toBe(6);
    registry.register({ topics: [topicConfig('t1', { perm: 7 }), 't2'], version: version(2) });
    expect(registry.permOf('t1')).toBe(7);
    expect(registry.routes.wipeWritePerm('nobody')).toBe(0);
  });
});

describe('topics', () => {
  it('are deleted everywhere or in one cluster', () => {
    const registry = new Registry();
    registry.register();
    registry.register({ ...OTHER, clusterName: 'd' });
    registry.routes.deleteTopic('t1', 'd');
    expect(registry.routes.routeOf('t1')?.queueDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-a']);
    registry.routes.deleteTopic('t1', 'nowhere');
    registry.routes.deleteTopic('t2', '');
    expect(registry.routes.allTopics().topicList).toEqual(['t1']);
    registry.routes.deleteTopic('t1', 'c');
    expect(registry.routes.allTopics().topicList).toEqual([]);
  });

  it('are registered for groups that are known', () => {
    const registry = new Registry({ maxTopics: 3 });
    registry.register();
    const queues = { brokerName: 'broker-a', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 };
    registry.routes.registerTopic('t3', [queues, { ...queues, brokerName: 'broker-x' }]);
    expect(registry.routes.routeOf('t3')).toBeUndefined();
    registry.routes.registerTopic('t3', [queues]);
    expect(registry.routes.routeOf('t3')?.queueDatas).toEqual([queues]);
    expect(() => registry.routes.registerTopic('t4', [queues])).toThrow('maxTopics');
  });

  it('are listed by cluster, by unit, and those of the system', () => {
    const registry = new Registry();
    registry.register({ topics: [topicConfig('unit', { topicSysFlag: 1 }), topicConfig('both', { topicSysFlag: 3 })] });
    registry.register({ ...OTHER, clusterName: 'd', topics: [topicConfig('sub', { topicSysFlag: 2 }), 'both'] });
    const { routes } = registry;
    expect(routes.topicsOfCluster('c').topicList).toEqual(['unit', 'both']);
    expect(routes.topicsOfCluster('d').topicList).toEqual(['both', 'sub']);
    expect(routes.topicsOfCluster('e').topicList).toEqual([]);
    expect(routes.unitTopics().topicList).toEqual(['unit', 'both']);
    expect(routes.unitSubTopics().topicList).toEqual(['both', 'sub']);
    expect(routes.unitSubUnunitTopics().topicList).toEqual(['sub']);
    expect(routes.systemTopics()).toEqual({
      topicList: ['c', 'broker-a', 'd', 'broker-b'],
      brokerAddr: '10.0.0.1:10911',
    });
  });

  it('carry the mappings of static topics until their group is gone', () => {
    const registry = new Registry();
    const dataVersion = version(1);
    const topics = {
      topicConfigTable: { t1: topicConfig('t1'), t2: topicConfig('t2') },
      dataVersion,
      topicQueueMappingInfoMap: { t1: { bname: 'broker-a', totalQueues: 4 }, unknown: {} },
    };
    registry.routes.registerBroker({
      clusterName: 'c',
      brokerName: 'broker-a',
      brokerAddr: 'a:1',
      brokerId: 0,
      haServerAddr: '',
      zoneName: undefined,
      heartbeatTimeoutMs: undefined,
      enableActingMaster: undefined,
      topics,
      filterServers: [],
      connection: { close: () => undefined },
    });
    expect(registry.routes.routeOf('t1')?.topicQueueMappingByBroker).toEqual({
      'broker-a': { bname: 'broker-a', totalQueues: 4 },
    });
    registry.register({ ...OTHER });
    registry.routes.unregisterBroker({ clusterName: 'c', brokerName: 'broker-a', brokerAddr: 'a:1', brokerId: 0 });
    expect(registry.routes.routeOf('t1')).not.toHaveProperty('topicQueueMappingByBroker');
  });
});

describe('groups', () => {
  it('are told by name', () => {
    const registry = new Registry();
    registry.register();
    registry.register(SLAVE);
    expect(registry.routes.memberGroup('c', 'broker-a')).toEqual({
      cluster: 'c',
      brokerName: 'broker-a',
      brokerAddrs: new Map([
        [0, '10.0.0.1:10911'],
        [1, SLAVE.brokerAddr],
      ]),
    });
    expect(registry.routes.memberGroup('c', 'nobody').brokerAddrs.size).toBe(0);
  });
});
