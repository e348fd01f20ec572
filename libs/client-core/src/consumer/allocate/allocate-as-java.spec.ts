import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MessageQueue } from '@rocknest/protocol';
import { AllocateMessageQueueAveragelyByCircle } from './allocate-averagely-by-circle.js';
import { AllocateMessageQueueAveragely } from './allocate-averagely.js';
import { AllocateMessageQueueByMachineRoom } from './allocate-by-machine-room.js';
import { AllocateMessageQueueConsistentHash } from './allocate-consistent-hash.js';
import { AllocateMachineRoomNearby, type MachineRoomResolver } from './allocate-machine-room-nearby.js';
import type { AllocateMessageQueueStrategy } from './allocate-strategy.js';

/** What the official client gave to whom; `test/interop/allocate.spec.ts` makes it anew. */
interface JavaCase {
  topic: string;
  members: string[];
  queues: [brokerName: string, queueId: number][];
  /** Strategy -> for each member the indexes of its queues. */
  shares: Record<string, number[][]>;
}

const cases = readFileSync(new URL('../../../fixtures/allocate.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as JavaCase);

const resolver: MachineRoomResolver = {
  brokerDeployIn: ({ brokerName }) => brokerName.split('@')[0],
  consumerDeployIn: (clientId) => clientId.split('@')[1].split('#')[0],
};

const strategies: Record<string, AllocateMessageQueueStrategy> = {
  AVG: new AllocateMessageQueueAveragely(),
  AVG_BY_CIRCLE: new AllocateMessageQueueAveragelyByCircle(),
  CONSISTENT_HASH: new AllocateMessageQueueConsistentHash(),
  'CONSISTENT_HASH 1': new AllocateMessageQueueConsistentHash(1),
  'CONSISTENT_HASH 64': new AllocateMessageQueueConsistentHash(64),
  MACHINE_ROOM: new AllocateMessageQueueByMachineRoom(['east', 'west']),
  'MACHINE_ROOM_NEARBY-AVG': new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), resolver),
  'MACHINE_ROOM_NEARBY-AVG_BY_CIRCLE': new AllocateMachineRoomNearby(
    new AllocateMessageQueueAveragelyByCircle(),
    resolver,
  ),
};

describe('shares as the Java client computes them', () => {
  it('has cases of every strategy', () => {
    expect(cases.length).toBeGreaterThanOrEqual(60);
    for (const { shares } of cases) expect(Object.keys(shares)).toEqual(Object.keys(strategies));
  });

  it.each(Object.entries(strategies))('%s', (name, strategy) => {
    expect(strategy.name).toBe(name.split(' ')[0]);
    for (const { topic, members, queues, shares } of cases) {
      const all = queues.map(([brokerName, queueId]): MessageQueue => ({ topic, brokerName, queueId }));
      members.forEach((member, index) => {
        const mine = strategy.allocate('group', member, all, members).map((queue) => all.indexOf(queue));
        expect(mine, `${topic} ${member}`).toEqual(shares[name][index]);
      });
    }
  });
});
