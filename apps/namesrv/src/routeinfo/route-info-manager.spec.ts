import { describe, expect, it } from 'vitest';
import { FakeConnection, Registry, topicConfig, version } from '../spec-support/registry.js';

const SLAVE = { brokerId: 1, brokerAddr: '10.0.0.2:10911', haServerAddr: '10.0.0.2:10912' };

describe('registration', () => {
  it('makes the topics of a master known', () => {
    const registry = new Registry();
    expect(registry.register({ topics: [topicConfig('t1', { perm: 4, topicSysFlag: 1 }), 't2'] })).toEqual({
      registered: true,
    });
    expect(registry.routes.routeOf('t1')).toEqual({
      queueDatas: [{ brokerName: 'broker-a', readQueueNums: 8, writeQueueNums: 4, perm: 4, topicSysFlag: 1 }],
      brokerDatas: [
        {
          cluster: 'c',
          brokerName: 'broker-a',
          brokerAddrs: new Map([[0, '10.0.0.1:10911']]),
          enableActingMaster: false,
        },
      ],
      filterServerTable: {},
    });
    expect(registry.routes.routeOf('t3')).toBeUndefined();
  });

  it('refuses one topic from a broker that never registered in full, and keeps nothing of it', () => {
    const registry = new Registry();
    expect(registry.register({ topics: ['t1'] })).toEqual({ registered: false });
    expect(registry.routes.clusterInfo()).toEqual({ brokerAddrTable: {}, clusterAddrTable: {} });
    expect(registry.routes.dataVersionOf('c', '10.0.0.1:10911')).toBeUndefined();
    registry.register();
    expect(registry.register({ topics: ['t3'], version: version(2) })).toEqual({ registered: true });
    expect(registry.routes.allTopics().topicList.sort()).toEqual(['t1', 't2', 't3']);
  });

  it('takes an empty registration', () => {
    const registry = new Registry();
    expect(registry.register({ topics: [] }).registered).toBe(true);
    expect(registry.routes.clusterInfo().clusterAddrTable).toEqual({ c: ['broker-a'] });
  });

  it('changes topics only with a changed version, in whichever direction', () => {
    const registry = new Registry();
    registry.register({ topics: [topicConfig('t1', { perm: 6 }), 't2'], version: version(5) });
    registry.register({ topics: [topicConfig('t1', { perm: 4 }), 't2'], version: version(5) });
    expect(registry.permOf('t1')).toBe(6);
    registry.register({ topics: [topicConfig('t1', { perm: 4 }), 't2'], version: version(4) });
    expect(registry.permOf('t1')).toBe(4);
  });

  it('adds a topic that is missing even when the version is the same', () => {
    const registry = new Registry();
    registry.register();
    registry.routes.deleteTopic('t2', undefined);
    registry.register();
    expect(registry.routes.routeOf('t2')).toBeDefined();
  });

  it('keeps topics that a later registration does not name, unless told otherwise', () => {
    const registry = new Registry();
    registry.register();
    registry.register({ topics: ['t2', 't3'], version: version(2) });
    expect(registry.routes.allTopics().topicList.sort()).toEqual(['t1', 't2', 't3']);
    registry.config.deleteTopicWithBrokerRegistration = true;
    registry.register({ topics: ['t2', 't3'], version: version(2) });
    expect(registry.routes.allTopics().topicList.sort()).toEqual(['t2', 't3']);
  });

  it('leaves the topics of a slave of 4.x alone, and tells it where its master is', () => {
    const registry = new Registry();
    expect(registry.register({ ...SLAVE })).toEqual({ registered: true });
    expect(registry.routes.routeOf('t1')).toBeUndefined();
    registry.register();
    expect(registry.register({ ...SLAVE, topics: ['t8', 't9'], version: version(9) })).toEqual({
      registered: true,
      masterAddr: '10.0.0.1:10911',
      haServerAddr: '10.0.0.1:10912',
    });
    expect(registry.routes.routeOf('t9')).toBeUndefined();
    expect(registry.addrsOf('t1')).toEqual({ 0: '10.0.0.1:10911', 1: '10.0.0.2:10911' });
  });

  it('takes the topics of the smallest slave of 5.x while there is no master', () => {
    const registry = new Registry();
    registry.register({ ...SLAVE, enableActingMaster: false });
    expect(registry.permOf('t1')).toBe(6);
    registry.register({
      ...SLAVE,
      brokerId: 2,
      brokerAddr: '10.0.0.3:10911',
      enableActingMaster: false,
      topics: ['t8', 't9'],
    });
    expect(registry.routes.routeOf('t9')).toBeUndefined();
  });

  it('takes the write permission from the topics of an acting master', () => {
    const registry = new Registry();
    registry.register({ ...SLAVE, enableActingMaster: true });
    expect(registry.permOf('t1')).toBe(4);
  });

  it('moves an address to its new id when its role changes', () => {
    const registry = new Registry();
    registry.register();
    registry.register({ ...SLAVE });
    registry.routes.unregisterBroker({ ...identity(), brokerId: 0 });
    registry.register({ ...SLAVE, brokerId: 0 });
    expect(registry.addrsOf('t1')).toEqual({ 0: SLAVE.brokerAddr });
  });

  it('lets a newcomer take over an id, unless the one that has it saw a later epoch', () => {
    const registry = new Registry();
    const other = { brokerAddr: '10.0.0.9:10911' };
    registry.register({ version: version(1, 5) });
    expect(registry.register({ ...other, version: version(9, 4) })).toEqual({ registered: true });
    expect(registry.addrsOf('t1')).toEqual({ 0: '10.0.0.1:10911' });
    expect(registry.routes.dataVersionOf('c', other.brokerAddr)).toBeUndefined();
    registry.register({ ...other, version: version(1, 5) });
    expect(registry.addrsOf('t1')).toEqual({ 0: other.brokerAddr });
  });

  it('remembers zone, acting master and filter servers', () => {
    const registry = new Registry();
    registry.register({ zoneName: 'z1', enableActingMaster: true, filterServers: ['f:1'] });
    const route = registry.routes.routeOf('t1');
    expect(route?.brokerDatas[0]).toMatchObject({ zoneName: 'z1', enableActingMaster: true });
    expect(route?.filterServerTable).toEqual({ '10.0.0.1:10911': ['f:1'] });
    registry.register();
    expect(registry.routes.routeOf('t1')?.filterServerTable).toEqual({});
    expect(registry.routes.routeOf('t1')?.brokerDatas[0]).not.toHaveProperty('zoneName');
  });

  it('keeps within its limits and changes nothing beyond them', () => {
    const registry = new Registry({ maxBrokers: 2, maxTopics: 3, maxQueueData: 4 });
    registry.register();
    expect(() => registry.register({ topics: ['t3', 't4'], version: version(2) })).toThrow('maxTopics');
    expect(registry.routes.routeOf('t3')).toBeUndefined();
    expect(registry.routes.dataVersionOf('c', '10.0.0.1:10911')).toEqual(version(1));
    const other = { brokerName: 'broker-b', brokerAddr: '10.0.0.2:10911' };
    expect(() => registry.register({ ...other, topics: ['t1', 't2', 't3'] })).toThrow('maxQueueData');
    registry.register(other);
    expect(() => registry.register({ brokerName: 'broker-c', brokerAddr: '10.0.0.3:10911' })).toThrow('maxBrokers');
    expect(registry.routes.clusterInfo().clusterAddrTable).toEqual({ c: ['broker-a', 'broker-b'] });
    expect(() => registry.register({ topics: ['x'.repeat(256), 't1'], version: version(2) })).toThrow('topic name');
    expect(() => registry.register({ clusterName: 'c\nd' })).toThrow('cluster name');
  });
});

const identity = () => ({ clusterName: 'c', brokerName: 'broker-a', brokerAddr: '10.0.0.1:10911', brokerId: 0 });

describe('departure', () => {
  it('takes a broker out of everything', () => {
    const registry = new Registry();
    registry.register({ filterServers: ['f:1'] });
    registry.register({ brokerName: 'broker-b', brokerAddr: '10.0.0.5:10911', topics: ['t2', 't3'] });
    expect(registry.routes.unregisterBroker(identity())).toBe(true);
    expect(registry.routes.routeOf('t1')).toBeUndefined();
    expect(registry.routes.routeOf('t2')?.brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-b']);
    expect(registry.routes.clusterInfo().clusterAddrTable).toEqual({ c: ['broker-b'] });
    registry.routes.unregisterBroker({ ...identity(), brokerName: 'broker-b', brokerAddr: '10.0.0.5:10911' });
    expect(registry.routes.clusterInfo()).toEqual({ brokerAddrTable: {}, clusterAddrTable: {} });
    expect(registry.routes.allTopics().topicList).toEqual([]);
  });

  it('looks at the address, not at the id', () => {
    const registry = new Registry();
    registry.register();
    registry.register(SLAVE);
    registry.routes.unregisterBroker({ ...identity(), brokerAddr: SLAVE.brokerAddr, brokerId: 0 });
    expect(registry.addrsOf('t1')).toEqual({ 0: '10.0.0.1:10911' });
  });

  it('is refused when too many wait, and carried out in one go', async () => {
    const registry = new Registry({ unRegisterBrokerQueueCapacity: 2 });
    registry.register();
    expect([1, 2, 3].map(() => registry.routes.unregisterBroker(identity()))).toEqual([true, true, false]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(registry.routes.unregisterBroker(identity())).toBe(true);
    expect(registry.routes.routeOf('t1')).toBeUndefined();
  });

  it('comes before a registration that follows it', () => {
    const registry = new Registry();
    registry.register();
    registry.routes.unregisterBroker(identity());
    registry.register({ version: version(2) });
    expect(registry.addrsOf('t1')).toEqual({ 0: '10.0.0.1:10911' });
  });

  it('makes a group without master read-only when it has an acting master', () => {
    const registry = new Registry();
    registry.register({ enableActingMaster: true });
    registry.register({ ...SLAVE, enableActingMaster: true });
    expect(registry.permOf('t1')).toBe(6);
    registry.routes.unregisterBroker(identity());
    expect(registry.permOf('t1')).toBe(4);

    const plain = new Registry();
    plain.register();
    plain.register(SLAVE);
    plain.routes.unregisterBroker(identity());
    expect(plain.permOf('t1')).toBe(6);
  });
});

describe('liveness', () => {
  it('drops a broker 2 minutes after its last sign of life and closes its connection', () => {
    const registry = new Registry();
    const connection = new FakeConnection();
    registry.register({ connection });
    registry.nowMs += 120_000;
    registry.routes.removeExpired();
    expect(registry.routes.routeOf('t1')).toBeDefined();
    registry.nowMs += 1;
    registry.routes.removeExpired();
    expect(registry.routes.routeOf('t1')).toBeUndefined();
    expect(connection.closedWith).toBeDefined();
  });

  it('counts registrations and heartbeats, and the time a broker asks for', () => {
    const registry = new Registry();
    registry.register({ heartbeatTimeoutMs: 1_000 });
    registry.nowMs += 900;
    registry.routes.touch('c', '10.0.0.1:10911');
    registry.nowMs += 900;
    registry.register({ heartbeatTimeoutMs: 1_000 });
    registry.nowMs += 1_000;
    registry.routes.removeExpired();
    expect(registry.routes.routeOf('t1')).toBeDefined();
    registry.nowMs += 1;
    registry.routes.removeExpired();
    expect(registry.routes.routeOf('t1')).toBeUndefined();
  });

  it('drops all brokers of a connection that closes', () => {
    const registry = new Registry();
    const connection = new FakeConnection();
    registry.register({ connection });
    registry.register({ connection, brokerName: 'broker-b', brokerAddr: '10.0.0.5:10911' });
    registry.register({ brokerName: 'broker-c', brokerAddr: '10.0.0.6:10911', topics: ['t2', 't3'] });
    registry.routes.connectionClosed(connection);
    expect(registry.routes.clusterInfo().clusterAddrTable).toEqual({ c: ['broker-c'] });
    expect(registry.routes.allTopics().topicList.sort()).toEqual(['t2', 't3']);
  });

  it('keeps a broker that came back on another connection before the old one closed', () => {
    const registry = new Registry();
    const old = new FakeConnection();
    registry.register({ connection: old });
    registry.register({ connection: new FakeConnection() });
    registry.routes.connectionClosed(old);
    expect(registry.routes.routeOf('t1')).toBeDefined();
    const waiting = new FakeConnection();
    registry.register({ connection: waiting });
    registry.routes.connectionClosed(waiting);
    registry.register({ version: version(2) });
    expect(registry.routes.routeOf('t1')).toBeDefined();
  });

  it('forgets the sign of life of an address that another one has replaced', () => {
    const registry = new Registry({ maxBrokers: 2 });
    const replaced = new FakeConnection();
    registry.register({ connection: replaced });
    registry.register({ brokerAddr: '10.0.0.9:10911' });
    registry.routes.connectionClosed(replaced);
    expect(registry.routes.dataVersionOf('c', '10.0.0.1:10911')).toBeUndefined();
    expect(registry.addrsOf('t1')).toEqual({ 0: '10.0.0.9:10911' });
  });
});

describe('versions', () => {
  it('tell whether a registration is needed', () => {
    const registry = new Registry();
    registry.register({ version: version(3) });
    const changed = (counter: number, cluster = 'c') =>
      registry.routes.isTopicConfigChanged(cluster, '10.0.0.1:10911', version(counter));
    expect([changed(3), changed(2), changed(4), changed(3, 'd')]).toEqual([false, true, true, true]);
  });
});

describe('the notice of a changed smallest id', () => {
  it('goes to those who were there when a smaller id comes', () => {
    const registry = new Registry();
    registry.register({ ...SLAVE, enableActingMaster: true });
    expect(registry.changes).toEqual([]);
    registry.register({ enableActingMaster: true });
    expect(registry.changes).toEqual([
      {
        brokerName: 'broker-a',
        minBrokerId: 0,
        minBrokerAddr: '10.0.0.1:10911',
        offlineBrokerAddr: undefined,
        haBrokerAddr: '10.0.0.1:10912',
        notify: [SLAVE.brokerAddr],
      },
    ]);
  });

  it('goes to those who remain when the smallest id leaves, with an acting master only', () => {
    const registry = new Registry();
    registry.register({ enableActingMaster: true });
    registry.register({ ...SLAVE, enableActingMaster: true });
    registry.routes.unregisterBroker({ ...identity(), brokerAddr: SLAVE.brokerAddr, brokerId: 1 });
    registry.routes.removeDeparted();
    expect(registry.changes).toEqual([]);
    registry.register({ ...SLAVE, enableActingMaster: true });
    registry.routes.unregisterBroker(identity());
    registry.routes.removeDeparted();
    expect(registry.changes).toMatchObject([
      {
        minBrokerId: 1,
        minBrokerAddr: SLAVE.brokerAddr,
        offlineBrokerAddr: '10.0.0.1:10911',
        notify: [SLAVE.brokerAddr],
      },
    ]);
  });

  it('is not sent when it is switched off', () => {
    const registry = new Registry({ notifyMinBrokerIdChanged: false });
    registry.register({ ...SLAVE, enableActingMaster: true });
    registry.register({ enableActingMaster: true });
    expect(registry.changes).toEqual([]);
  });
});
