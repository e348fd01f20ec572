import { describe, expect, it } from 'vitest';
import {
  encodeTopicRouteData,
  RemotingCommand,
  ResponseCode,
  type BrokerData,
  type QueueData,
  type TopicRouteData,
} from '@rocknest/protocol';
import { BrokerAddressTable } from '../instance/broker-address-table.js';
import { silentLogger } from '../logger.js';
import { RouteManager } from './route-manager.js';
import { publishQueuesOf, subscribeQueuesOf } from './route-queues.js';

const queueData = (brokerName: string, changes: Partial<QueueData> = {}): QueueData => ({
  brokerName,
  readQueueNums: 2,
  writeQueueNums: 2,
  perm: 6,
  topicSysFlag: 0,
  ...changes,
});
const brokerData = (brokerName: string, ...addresses: [number, string][]): BrokerData => ({
  cluster: 'c',
  brokerName,
  brokerAddrs: new Map(addresses),
  enableActingMaster: false,
});
const routeOf = (queueDatas: QueueData[], brokerDatas: BrokerData[], orderTopicConf?: string): TopicRouteData => ({
  queueDatas,
  brokerDatas,
  filterServerTable: {},
  ...(orderTopicConf === undefined ? {} : { orderTopicConf }),
});
const names = (queues: readonly { brokerName: string; queueId: number }[] | undefined): string[] =>
  (queues ?? []).map((queue) => `${queue.brokerName}${queue.queueId}`);

function harness(known: Record<string, TopicRouteData | number>, standardJson = true) {
  const asked: string[] = [];
  const changes: string[] = [];
  const brokers = new BrokerAddressTable();
  const manager = new RouteManager({
    brokers,
    logger: silentLogger,
    onChange: (topic) => changes.push(topic),
    namesrv: {
      addresses: ['n:1'],
      invoke: async (command) => {
        const topic = command().field('topic')!;
        asked.push(topic);
        await Promise.resolve();
        const answer = known[topic] ?? ResponseCode.TOPIC_NOT_EXIST;
        return typeof answer === 'number'
          ? RemotingCommand.response(answer)
          : RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeTopicRouteData(answer, { standardJson }) });
      },
    },
  });
  return { manager, brokers, asked, changes, known };
}

const twoBrokers = routeOf(
  [queueData('b'), queueData('a')],
  [brokerData('a', [0, 'a:1'], [1, 'a:2']), brokerData('b', [0, 'b:1'])],
);

describe('queues of a route', () => {
  it('may be sent to on brokers with write permission and a master, by broker name', () => {
    const route = routeOf(
      [queueData('c', { perm: 4 }), queueData('b'), queueData('a', { writeQueueNums: 1 }), queueData('d')],
      [brokerData('a', [0, 'a']), brokerData('b', [0, 'b']), brokerData('c', [0, 'c']), brokerData('d', [1, 'd'])],
    );
    expect(names(publishQueuesOf('t', route))).toEqual(['a0', 'b0', 'b1']);
  });

  it('may be read on brokers with read permission, master or not', () => {
    const route = routeOf(
      [queueData('b', { perm: 2 }), queueData('a', { readQueueNums: 1 })],
      [brokerData('a', [1, 'a'])],
    );
    expect(names(subscribeQueuesOf('t', route))).toEqual(['a0']);
  });

  it('follow orderTopicConf for sends only', () => {
    const route = routeOf([queueData('a')], [brokerData('a', [0, 'a'])], 'z:1;a:2');
    expect(names(publishQueuesOf('t', route))).toEqual(['z0', 'a0', 'a1']);
    expect(names(subscribeQueuesOf('t', route))).toEqual(['a0', 'a1']);
  });
});

describe.each([true, false])('RouteManager (standard JSON %s)', (standardJson) => {
  it('asks once for callers at the same time, and knows then', async () => {
    const { manager, asked, brokers } = harness({ t: twoBrokers }, standardJson);
    const infos = await Promise.all([manager.findPublishInfo('t'), manager.findPublishInfo('t')]);
    await manager.findPublishInfo('t');
    expect(asked).toEqual(['t']);
    expect(names(infos[0].queues)).toEqual(['a0', 'a1', 'b0', 'b1']);
    expect(brokers.master('a')).toBe('a:1');
    expect(brokers.find('a', 1)).toEqual({ address: 'a:2', brokerId: 1, slave: true });
  });
});

describe('RouteManager', () => {
  it('sends to an unknown topic where brokers would create it, until it has a route of its own', async () => {
    const defaultRoute = routeOf([queueData('a', { readQueueNums: 8, perm: 7 })], [brokerData('a', [0, 'a:1'])]);
    const { manager, known } = harness({ TBW102: defaultRoute });
    const info = await manager.findPublishInfo('new');
    expect(names(info.queues)).toEqual(['a0', 'a1', 'a2', 'a3']);
    expect(info.fromDefaultTopic).toBe(true);
    expect(manager.subscribeQueues('new')).toBeUndefined();
    known['new'] = routeOf([queueData('a', { writeQueueNums: 1 })], [brokerData('a', [0, 'a:1'])]);
    await manager.refreshAll();
    expect(names(manager.publishInfo('new')?.queues)).toEqual(['a0']);
    expect(names(manager.subscribeQueues('new'))).toEqual(['a0', 'a1']);
  });

  it('says that a topic is missing, or that nobody takes messages for it', async () => {
    const readOnly = routeOf([queueData('a', { perm: 4 })], [brokerData('a', [0, 'a:1'])]);
    const { manager } = harness({ readOnly });
    await expect(manager.findPublishInfo('nowhere')).rejects.toMatchObject({
      code: 'NO_ROUTE',
      message: expect.stringContaining('no route for topic "nowhere"'),
    });
    await expect(manager.findPublishInfo('readOnly')).rejects.toMatchObject({
      code: 'NO_ROUTE',
      message: expect.stringContaining('no broker takes messages'),
    });
  });

  it('passes on an answer that is neither a route nor "no route"', async () => {
    const { manager } = harness({ t: ResponseCode.NO_PERMISSION });
    await expect(manager.refresh('t')).rejects.toMatchObject({ code: 'BROKER_ERROR', responseCode: 16 });
  });

  it('tells a change once, whatever the order of the parts, and goes on with its turn', async () => {
    const { manager, changes, known } = harness({ t: twoBrokers });
    const info = await manager.findPublishInfo('t');
    info.select();
    const turn = info.nextTurn;
    known['t'] = routeOf([...twoBrokers.queueDatas].reverse(), [...twoBrokers.brokerDatas].reverse());
    await manager.refreshAll();
    expect(changes).toEqual(['t']);
    known['t'] = routeOf([queueData('a')], [brokerData('a', [0, 'a:9'])]);
    await manager.refreshAll();
    expect(changes).toEqual(['t', 't']);
    expect(manager.publishInfo('t')?.nextTurn).toBe(turn);
  });

  it('keeps a known route when a namesrv forgets it or does not answer', async () => {
    const { manager, known } = harness({ t: twoBrokers });
    await manager.refresh('t');
    delete known['t'];
    expect(await manager.refresh('t')).toBe(false);
    known['t'] = ResponseCode.SYSTEM_ERROR;
    await manager.refreshAll();
    expect(manager.publishInfo('t')?.queues).toHaveLength(4);
  });

  it('forgets what nobody uses, keeps what consumers want and looks for what they miss', async () => {
    const { manager, asked } = harness({ t: twoBrokers, u: twoBrokers });
    await manager.findPublishInfo('t');
    manager.use('u');
    manager.use('missing');
    await manager.refresh('u');
    expect(manager.missingTopics()).toEqual(['missing']);
    asked.length = 0;
    await manager.refreshAll(Date.now() + 3_600_000);
    expect(asked.sort()).toEqual(['missing', 'u']);
    expect(manager.publishInfo('t')).toBeUndefined();
    expect(manager.hasAddress('a:2')).toBe(true);
    manager.unuse('missing');
    expect(manager.missingTopics()).toEqual([]);
  });
});

describe('BrokerAddressTable', () => {
  it('finds what is left of a group, unless only the one asked for will do', () => {
    const table = new BrokerAddressTable();
    table.update([brokerData('x', [1, 'x:1'], [3, 'x:3'])]);
    expect(table.master('x')).toBeUndefined();
    expect(table.find('x')).toEqual({ address: 'x:1', brokerId: 1, slave: true });
    expect(table.find('x', 0, true)).toBeUndefined();
    expect(table.find('x', 2)).toEqual({ address: 'x:3', brokerId: 3, slave: true });
    expect(table.find('y')).toBeUndefined();
  });

  it('forgets addresses that are in no route', () => {
    const table = new BrokerAddressTable();
    table.update([brokerData('x', [0, 'x:0'], [1, 'x:1']), brokerData('y', [0, 'y:0'])]);
    expect(table.retain((address) => address === 'x:0')).toEqual(['x:1', 'y:0']);
    expect([...table.all()]).toEqual([['x', 0, 'x:0']]);
  });
});
