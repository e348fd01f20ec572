import { describe, expect, it } from 'vitest';
import type { MessageQueue } from '@rocknest/protocol';
import { KnownQueues } from './known-queues.js';

const queues = (brokerName: string, count: number): MessageQueue[] =>
  Array.from({ length: count }, (_, queueId) => ({ topic: 't', brokerName, queueId }));

describe('queues that come while a consumer runs', () => {
  it('are the further ones of a broker that it knows', () => {
    const known = new KnownQueues();
    known.seen('t', undefined);
    known.seen('t', []);
    expect(known.seen('t', queues('a', 2))).toHaveLength(2);
    expect(queues('a', 2).map((queue) => known.isNew(queue))).toEqual([false, false]);
    known.seen('t', queues('a', 4));
    expect(queues('a', 4).map((queue) => known.isNew(queue))).toEqual([false, false, true, true]);
  });

  it('are not those of a broker that was not there, which may have been away', () => {
    const known = new KnownQueues();
    known.seen('t', queues('a', 1));
    known.seen('t', [...queues('a', 1), ...queues('b', 2)]);
    expect(queues('b', 2).map((queue) => known.isNew(queue))).toEqual([false, false]);
    known.seen('t', queues('b', 3));
    expect(known.isNew(queues('b', 3)[2])).toBe(true);
  });

  it('begin anew with a topic that is subscribed to again', () => {
    const known = new KnownQueues();
    known.seen('t', queues('a', 1));
    known.forget('t');
    known.seen('t', queues('a', 2));
    expect(known.isNew(queues('a', 2)[1])).toBe(false);
    expect(known.isNew({ topic: 'u', brokerName: 'a', queueId: 0 })).toBe(false);
  });
});
