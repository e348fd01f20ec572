import { describe, expect, it } from 'vitest';
import type { MessageQueue } from '@rocknest/protocol';
import { AllocateMessageQueueAveragely } from './allocate-averagely.js';
import { AllocateMessageQueueByConfig } from './allocate-by-config.js';
import { AllocateMessageQueueByMachineRoom } from './allocate-by-machine-room.js';
import { AllocateMessageQueueConsistentHash } from './allocate-consistent-hash.js';
import { AllocateMachineRoomNearby } from './allocate-machine-room-nearby.js';

const queue = (queueId: number, brokerName = 'east@a'): MessageQueue => ({ topic: 't', brokerName, queueId });
const queues = [queue(0), queue(1), queue(0, 'west@b'), queue(1, 'west@b')];
const members = ['c1@east', 'c2@west'];

describe('CONFIG', () => {
  it('gives what is written down and exists, whoever else is a member', () => {
    const strategy = new AllocateMessageQueueByConfig([queue(1), queue(7), queue(0, 'west@b')]);
    expect(strategy.allocate('g', 'anyone', queues)).toEqual([queue(1), queue(0, 'west@b')]);
  });

  it('refuses lists that give nothing', () => {
    expect(() => new AllocateMessageQueueByConfig([])).toThrow(/at least one queue/);
    expect(() => new AllocateMessageQueueByConfig([{ topic: 't', brokerName: '', queueId: 0 }])).toThrow(/is no queue/);
    expect(() => new AllocateMessageQueueByConfig([queue(-1)])).toThrow(/is no queue/);
  });
});

describe('MACHINE_ROOM', () => {
  it('refuses to be without rooms', () => {
    expect(() => new AllocateMessageQueueByMachineRoom([])).toThrow(/at least one room/);
  });
});

describe('CONSISTENT_HASH', () => {
  it('gives each queue to one member, and moves only queues of the one that left', () => {
    const strategy = new AllocateMessageQueueConsistentHash(20);
    const all = Array.from({ length: 64 }, (_, id) => queue(id));
    const clients = ['a', 'b', 'c', 'd', 'e'];
    const ownerOf = (among: string[]): Map<MessageQueue, string> =>
      new Map(among.flatMap((client) => strategy.allocate('g', client, all, among).map((one) => [one, client])));
    const before = ownerOf(clients);
    const after = ownerOf(clients.filter((client) => client !== 'c'));
    expect(before.size).toBe(64);
    expect(after.size).toBe(64);
    for (const [one, owner] of before) if (owner !== 'c') expect(after.get(one)).toBe(owner);
  });

  it('takes a hash of the user, also when places collide', () => {
    const strategy = new AllocateMessageQueueConsistentHash(3, () => 5);
    expect(strategy.allocate('g', 'a', queues, ['a', 'b'])).toEqual([]);
    expect(strategy.allocate('g', 'b', queues, ['a', 'b'])).toEqual(queues);
  });

  it.each([0, -1, 1.5, 10_001])('refuses %s virtual nodes', (count) => {
    expect(() => new AllocateMessageQueueConsistentHash(count)).toThrow(/virtualNodes/);
  });
});

describe('MACHINE_ROOM_NEARBY', () => {
  const rooms = {
    brokerDeployIn: ({ brokerName }: MessageQueue) => brokerName.split('@')[0],
    consumerDeployIn: (clientId: string) => clientId.split('@')[1] ?? '',
  };

  it('shares the queues of a room without members out among all', () => {
    const strategy = new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), rooms);
    expect(strategy.allocate('g', 'c1@east', queues, members)).toEqual([queue(0), queue(1)]);
    expect(strategy.allocate('g', 'c1@east', queues, ['c1@east', 'c3@east'])).toEqual([queue(0), queue(0, 'west@b')]);
  });

  it('names the client whose room is not known', () => {
    const strategy = new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), rooms);
    expect(() => strategy.allocate('g', 'c1@east', queues, ['c1@east', 'nowhere'])).toThrow(/consumer nowhere/);
  });

  it('refuses to be made without its parts', () => {
    expect(() => new AllocateMachineRoomNearby(undefined as never, rooms)).toThrow(/needs a strategy/);
    expect(() => new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), {} as never)).toThrow(/resolver/);
  });
});

describe('every strategy that looks at the members', () => {
  it('gives nothing to a stranger', () => {
    for (const strategy of [
      new AllocateMessageQueueByMachineRoom(['east']),
      new AllocateMessageQueueConsistentHash(),
      new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), {
        brokerDeployIn: () => 'r',
        consumerDeployIn: () => 'r',
      }),
    ]) {
      expect(strategy.allocate('g', 'stranger', queues, members)).toEqual([]);
    }
  });
});
