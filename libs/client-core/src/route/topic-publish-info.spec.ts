import { describe, expect, it } from 'vitest';
import type { MessageQueue } from '@rocknest/protocol';
import { TopicPublishInfo } from './topic-publish-info.js';

const queues: MessageQueue[] = ['a', 'b'].flatMap((brokerName) =>
  [0, 1].map((queueId) => ({ topic: 't', brokerName, queueId })),
);
const name = (queue: MessageQueue): string => `${queue.brokerName}${queue.queueId}`;

describe('TopicPublishInfo', () => {
  it('goes round over the queues of all brokers', () => {
    const info = new TopicPublishInfo(queues, false, 0);
    expect(Array.from({ length: 6 }, () => name(info.select()))).toEqual(['a0', 'a1', 'b0', 'b1', 'a0', 'a1']);
  });

  it('passes over the broker that failed last', () => {
    const info = new TopicPublishInfo(queues, false, 0);
    expect(Array.from({ length: 4 }, () => name(info.select('a')))).toEqual(['b0', 'b1', 'b0', 'b1']);
  });

  it('takes the failed broker when there is no other', () => {
    const info = new TopicPublishInfo(queues.slice(0, 2), false, 0);
    expect([info.select('a'), info.select('a')].map(name).sort()).toEqual(['a0', 'a1']);
  });
});
