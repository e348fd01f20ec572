import { describe, expect, it } from 'vitest';
import { buildSubscriptionData, type MessageExt, type MessageQueue } from '@rocknest/protocol';
import { silentLogger } from '../../logger.js';
import type { PopAnswer, PopRequest } from './pop-api.js';
import { PopAssignments, type PopAssignmentsOptions } from './pop-assignments.js';
import { PopLease } from './pop-lease.js';
import { receiptOf } from './popped-messages.js';

const queueOf = (topic: string, queueId = -1): MessageQueue => ({ topic, brokerName: 'b', queueId });
const lease = (offset: number, reconsumeTimes = 0): PopLease =>
  new PopLease(
    { msgId: String(offset), topic: 't', body: Buffer.alloc(1), reconsumeTimes } as unknown as MessageExt,
    receiptOf('t', `${offset} 1 60000 0 0 b 0 ${offset}`, offset),
    Date.now(),
  );
const found = (leases: PopLease[], filtered: PopLease[] = []): PopAnswer => ({
  status: 'FOUND',
  restNum: 0,
  leases,
  filtered,
  unreadable: undefined,
});

function harness() {
  const pops: { request: PopRequest; answer: (answer: PopAnswer) => void }[] = [];
  const log: string[] = [];
  const ids = (leases: readonly PopLease[]): string => leases.map(({ message }) => message.msgId).join();
  const assignments = new PopAssignments({
    group: 'g',
    instance: { brokers: {}, heartbeats: {}, logger: silentLogger } as unknown as PopAssignmentsOptions['instance'],
    api: { pop: (request, callback) => pops.push({ request, answer: (answer) => callback(undefined, answer) }) },
    settlement: {
      admit: (leases) => void log.push(`admit ${ids(leases)}`),
      acknowledge: ({ message }) => void log.push(`ack ${message.msgId}`),
      release: (leases) => void log.push(`release ${ids(leases)}`),
      cameTooOften: ({ reconsumeTimes }) => reconsumeTimes > 16,
      giveBack: async (message, queue, level) =>
        void log.push(`give back ${message.msgId} ${queue.brokerName} ${queue.queueId} ${level}`),
    },
    service: { submit: ({ waitingCount }) => void log.push(`submit ${waitingCount}`) },
    subscriptionOf: (topic) => buildSubscriptionData(topic, '*'),
    onPopped: (topic, { leases }) => void log.push(`popped ${topic} ${leases.length}`),
    batchNums: 32,
    invisibleTimeMs: 60_000,
    threshold: 96,
    initMode: 1,
  });
  const topics = (): string[] => pops.map(({ request }) => `${request.queue.topic} ${request.queue.queueId}`);
  return { assignments, pops, log, topics };
}

describe('PopAssignments', () => {
  it('pops each assigned queue once, however often brokers name it, and no longer than it is assigned', () => {
    const { assignments, pops, topics } = harness();
    assignments.assign('t', [queueOf('t'), queueOf('t')]);
    assignments.assign('u', [queueOf('u', 3)]);
    assignments.assign('t', [queueOf('t')]);
    expect(topics()).toEqual(['t -1', 'u 3']);
    expect(pops[0].request).toMatchObject({ group: 'g', maxMessages: 32, invisibleTimeMs: 60_000, pollTimeMs: 15_000 });
    assignments.assign('t', []);
    assignments.retain(new Set(['t']));
    expect([...assignments.all]).toEqual([]);
    assignments.stop();
    assignments.assign('t', [queueOf('t')]);
    expect(pops).toHaveLength(2);
  });

  it('hands out what came, acknowledges what only shares a hash, and dead-letters what came too often', () => {
    const { assignments, pops, log } = harness();
    assignments.assign('t', [queueOf('t')]);
    pops[0].answer(found([lease(1), lease(2, 17)], [lease(3)]));
    expect(log).toEqual(['popped t 2', 'ack 3', 'admit 1,2', 'give back 2 b 0 -1', 'submit 1']);
    expect(pops).toHaveLength(2);
  });

  it('gives back what waits when a queue goes to others or the consumer stops, and what comes after that', () => {
    const { assignments, pops, log } = harness();
    assignments.assign('t', [queueOf('t')]);
    pops[0].answer(found([lease(1)]));
    log.length = 0;
    assignments.assign('t', []);
    pops[1].answer(found([lease(2)]));
    expect(log.filter((line) => line.startsWith('release'))).toEqual(['release 1', 'release 2']);
  });

  it('lets topics rest, also those that are assigned later, until they are told to go on', () => {
    const { assignments, pops, log, topics } = harness();
    assignments.assign('t', [queueOf('t')]);
    assignments.pause([{ topic: 't' }, { topic: 'u' }]);
    assignments.assign('u', [queueOf('u')]);
    pops[0].answer(found([lease(1)]));
    expect(topics()).toEqual(['t -1']);
    expect([...assignments.all].map(({ processQueue }) => processQueue.paused)).toEqual([true, true]);
    assignments.resume();
    expect(topics()).toEqual(['t -1']);
    log.length = 0;
    assignments.goOn([{ topic: 't' }]);
    expect(topics()).toEqual(['t -1', 't -1']);
    expect(log).toEqual(['submit 1']);
  });
});
