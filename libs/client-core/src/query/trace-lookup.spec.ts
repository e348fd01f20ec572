import { encodeTraceContext, type MessageExt, type TraceContext } from '@rocknest/protocol';
import { expect, it } from 'vitest';
import { traceOf } from './trace-lookup.js';

const ORIGIN = { timestampMs: 5, regionId: 'r', groupName: 'g' };

function record(...contexts: TraceContext[]): MessageExt {
  const body = Buffer.from(contexts.map(encodeTraceContext).join(''));
  return { body, bornHost: '10.0.0.1:1234', storeTimestamp: 99 } as MessageExt;
}

it('finds what speaks of a message, by time, also as one of a batch', async () => {
  const asked: unknown[] = [];
  const after = { traceType: 'SubAfter', requestId: 'q', costTimeMs: 1, success: true, contextCode: 0 } as const;
  const messages = [
    record(
      { ...after, messages: [{ msgId: 'a', keys: undefined }], timestampMs: undefined, groupName: undefined },
      { ...after, messages: [{ msgId: 'other', keys: 'a' }], timestampMs: 1, groupName: 'g' },
      { traceType: 'SubBefore', ...ORIGIN, requestId: 'q', messages: [{ msgId: 'a', keys: undefined, retryTimes: 0 }] },
    ),
    record({ traceType: 'Recall', ...ORIGIN, topic: 't', msgId: 'b,a', success: true }),
    { bornHost: '', storeTimestamp: 1 } as MessageExt,
  ];
  const lookup = {
    queryMessage: async (...query: unknown[]) => {
      asked.push(query);
      return { messages, indexLastUpdateTimestamp: 0 };
    },
  };
  const entries = await traceOf(lookup, 'a', { traceTopic: 'traces', maxNum: 3 });
  expect(asked).toEqual([['traces', 'a', { maxNum: 3 }]]);
  expect(entries.map(({ context, timestampMs }) => [context.traceType, timestampMs])).toEqual([
    ['Recall', 5],
    ['SubBefore', 5],
    ['SubAfter', 99],
  ]);
  expect(entries[0].clientHost).toBe('10.0.0.1:1234');
});
