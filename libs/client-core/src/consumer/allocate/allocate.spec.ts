import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MessageQueue } from '@rocknest/protocol';
import { AllocateMessageQueueAveragelyByCircle } from './allocate-averagely-by-circle.js';
import { AllocateMessageQueueAveragely } from './allocate-averagely.js';

const queuesOf = (count: number): MessageQueue[] =>
  Array.from({ length: count }, (_, queueId) => ({ topic: 't', brokerName: 'b', queueId }));
const clientsOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `client-${String(i).padStart(3, '0')}`);
const ids = (queues: readonly MessageQueue[]): number[] => queues.map((queue) => queue.queueId);

/** The rule as the reference writes it down (protocol 06 §6), to compare with. */
function referenceAvg(index: number, clients: number, queues: number): number[] {
  const mod = queues % clients;
  const average =
    queues <= clients ? 1 : mod > 0 && index < mod ? Math.floor(queues / clients) + 1 : Math.floor(queues / clients);
  const start = mod > 0 && index < mod ? index * average : index * average + mod;
  const range = Math.min(average, queues - start);
  return Array.from({ length: Math.max(0, range) }, (_, i) => start + i);
}

describe.each([new AllocateMessageQueueAveragely(), new AllocateMessageQueueAveragelyByCircle()])(
  '$name',
  (strategy) => {
    it('gives every queue to exactly one member, and shares that differ by one at the most', () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 1, max: 20 }), (queueCount, clientCount) => {
          const clients = clientsOf(clientCount);
          const shares = clients.map((client) => ids(strategy.allocate('g', client, queuesOf(queueCount), clients)));
          expect(shares.flat().sort((a, b) => a - b)).toEqual(ids(queuesOf(queueCount)));
          const sizes = shares.map((share) => share.length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }),
      );
    });

    it('gives nothing to a client that is not a member', () => {
      expect(strategy.allocate('g', 'stranger', queuesOf(4), clientsOf(2))).toEqual([]);
    });
  },
);

describe('AVG', () => {
  it('equals the rule of the reference', () => {
    const strategy = new AllocateMessageQueueAveragely();
    for (let queues = 0; queues <= 40; queues++) {
      for (let clients = 1; clients <= 12; clients++) {
        clientsOf(clients).forEach((client, index) => {
          expect(ids(strategy.allocate('g', client, queuesOf(queues), clientsOf(clients)))).toEqual(
            referenceAvg(index, clients, queues),
          );
        });
      }
    }
  });
});

describe('AVG_BY_CIRCLE', () => {
  it('deals the queues out in turn', () => {
    const strategy = new AllocateMessageQueueAveragelyByCircle();
    expect(ids(strategy.allocate('g', 'client-001', queuesOf(8), clientsOf(3)))).toEqual([1, 4, 7]);
  });
});
