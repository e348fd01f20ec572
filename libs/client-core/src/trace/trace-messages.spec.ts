import { decodeTraceData, TraceMessageType, type PubTrace, type TraceContext } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { TRACE_KEYS_MAX_BYTES, TRACE_MESSAGE_MAX_CHARACTERS } from '../defaults.js';
import { traceMessages } from './trace-messages.js';

const PUB: PubTrace = {
  traceType: 'Pub',
  timestampMs: 1,
  regionId: 'r',
  groupName: 'g',
  topic: 't',
  msgId: 'id',
  tags: undefined,
  keys: undefined,
  storeHost: 'h:1',
  bodyLength: 1,
  costTimeMs: 1,
  messageType: TraceMessageType.NORMAL,
  offsetMsgId: 'o',
  success: true,
};

describe('traceMessages', () => {
  it('makes one message for each topic, with the ids and keys of both ends', () => {
    const before: TraceContext = {
      traceType: 'SubBefore',
      timestampMs: 1,
      regionId: 'r',
      groupName: 'g',
      requestId: 'q',
      messages: [{ msgId: 'b', keys: 'k1 k2', retryTimes: 0, topic: 'u' }],
    };
    const messages = traceMessages([PUB, before, { ...PUB, msgId: 'c', keys: 'k3' }]);
    expect(messages.map(({ keys, entries }) => ({ keys, entries }))).toEqual([
      { keys: ['id', 'c', 'k3'], entries: 2 },
      { keys: ['b', 'k1', 'k2'], entries: 1 },
    ]);
  });

  it('has each id of a batch as a key, and what they are joined to in the record', () => {
    const [message] = traceMessages([{ ...PUB, msgId: 'a,b' }]);
    expect(message.keys).toEqual(['a', 'b']);
    expect(decodeTraceData(message.data)).toMatchObject([{ msgId: 'a,b' }]);
  });

  it('begins another message when keys or records grow too large', () => {
    const key = 'k'.repeat(TRACE_KEYS_MAX_BYTES / 2);
    expect(traceMessages([1, 2, 3].map((n) => ({ ...PUB, msgId: `${n}`, keys: `${n}${key}` })))).toHaveLength(3);
    const tags = 't'.repeat(TRACE_MESSAGE_MAX_CHARACTERS);
    expect(traceMessages([1, 2].map((n) => ({ ...PUB, msgId: `${n}`, tags })))).toHaveLength(2);
  });

  it('leaves out keys of one entry that no message could carry', () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `${index}`.padStart(32, '0'));
    const [message, ...more] = traceMessages([{ ...PUB, msgId: ids.join(',') }]);
    expect(more).toEqual([]);
    expect(message.keys).toHaveLength(Math.floor(TRACE_KEYS_MAX_BYTES / 33));
  });
});
