import { describe, expect, it } from 'vitest';
import { decodeHeartbeatData, RemotingCommand, ResponseCode, type HeartbeatData } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import { BrokerAddressTable } from './broker-address-table.js';
import type { InstanceConsumer, InstanceProducer } from './client-members.js';
import { HeartbeatService } from './heartbeat-service.js';

function harness() {
  const beats: { address: string; data: HeartbeatData; answer(code?: number): void; fail(): void }[] = [];
  const brokers = new BrokerAddressTable();
  brokers.update([
    {
      cluster: 'c',
      brokerName: 'b',
      brokerAddrs: new Map([
        [0, 'master:1'],
        [1, 'slave:1'],
      ]),
      enableActingMaster: false,
    },
  ]);
  const producers = new Map<string, InstanceProducer>();
  const consumers = new Map<string, InstanceConsumer>();
  const service = new HeartbeatService({
    clientId: 'me',
    brokers,
    producers,
    consumers,
    timeoutMs: 1_000,
    logger: silentLogger,
    transport: {
      invoke: (address, command) =>
        new Promise((resolve, reject) => {
          beats.push({
            address,
            data: decodeHeartbeatData(command.bodyBuffer),
            answer: (code = ResponseCode.SUCCESS) => resolve(RemotingCommand.response(code)),
            fail: () => reject(new Error('down')),
          });
        }),
    },
  });
  const addresses = (): string[] => beats.map((beat) => beat.address);
  const consumer = (group: string): void =>
    void consumers.set(group, {
      group,
      heartbeatData: () => ({
        groupName: group,
        consumeType: 'CONSUME_PASSIVELY',
        messageModel: 'CLUSTERING',
        consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
        subscriptionDataSet: [],
        unitMode: false,
      }),
    } as unknown as InstanceConsumer);
  return { service, beats, addresses, producers, consumer };
}

const producer = { group: 'p', connectionChanged: () => {} };

describe('HeartbeatService', () => {
  it('says nothing for nobody', async () => {
    const { service, addresses } = harness();
    await service.sendToAll();
    expect(addresses()).toEqual([]);
  });

  it('tells masters of a producer, and everyone as soon as there is a consumer', () => {
    const { service, beats, addresses, producers, consumer } = harness();
    producers.set('p', producer);
    void service.sendToAll();
    expect(addresses()).toEqual(['master:1']);
    expect(beats[0].data).toMatchObject({ clientID: 'me', producerDataSet: [{ groupName: 'p' }], consumerDataSet: [] });
    beats[0].answer();
    consumer('g');
    void service.sendTo('slave:1');
    expect(addresses()).toEqual(['master:1', 'slave:1']);
    expect(beats[1].data.consumerDataSet).toMatchObject([{ groupName: 'g' }]);
  });

  it('sends one at a time, and one more when something changed meanwhile', async () => {
    const { service, beats, producers, consumer } = harness();
    producers.set('p', producer);
    const first = service.sendTo('master:1');
    consumer('g');
    const later = [service.sendTo('master:1'), service.sendTo('master:1')];
    expect(beats).toHaveLength(1);
    beats[0].answer();
    await first;
    await Promise.resolve();
    expect(beats).toHaveLength(2);
    expect(beats[1].data.consumerDataSet).toHaveLength(1);
    beats[1].answer();
    expect(await Promise.all(later)).toEqual([true, true]);
    await service.settled();
  });

  it('greets a new connection, unless a heartbeat opened it', async () => {
    const { service, beats, addresses, producers } = harness();
    producers.set('p', producer);
    const sending = service.sendTo('master:1');
    service.connected('master:1');
    beats[0].answer();
    await sending;
    expect(addresses()).toEqual(['master:1']);
    service.connected('master:1');
    expect(addresses()).toEqual(['master:1', 'master:1']);
  });

  it('reports failures as false and goes on', async () => {
    const { service, beats, producers } = harness();
    producers.set('p', producer);
    const down = service.sendTo('master:1');
    beats[0].fail();
    expect(await down).toBe(false);
    const refused = service.sendTo('master:1');
    beats[1].answer(ResponseCode.SYSTEM_BUSY);
    expect(await refused).toBe(false);
    const good = service.sendTo('master:1');
    beats[2].answer();
    expect(await good).toBe(true);
    expect(service.brokerVersions.has('master:1')).toBe(true);
  });
});
