import { describe, expect, it } from 'vitest';
import { decodeTraceData } from '../src/trace/decode-trace.js';
import { encodeTraceContext, traceKeys } from '../src/trace/encode-trace.js';
import { ConsumeReturnType, TraceMessageType, type TraceContext } from '../src/trace/trace-context.js';
import { goldenBytes, goldenFiles } from '../../../test/support/golden-fixtures.js';

const FIRST = '0A0000010B2C18B4AAC2000000000001';
const SECOND = '0A0000010B2C18B4AAC2000000000002';
const ORIGIN = { timestampMs: 1_700_000_000_123, regionId: 'DefaultRegion', groupName: 'group-a' };
const REQUEST = '0A0000010B2C18B4AAC2000000000009';
const PUB: TraceContext = {
  traceType: 'Pub',
  ...ORIGIN,
  topic: 'TopicTest',
  msgId: FIRST,
  tags: 'TagA',
  keys: 'order-1 order-2',
  storeHost: '10.0.0.2:10911',
  bodyLength: 42,
  costTimeMs: 7,
  messageType: TraceMessageType.NORMAL,
  offsetMsgId: '0A00000200002A9F0000000000003039',
  success: true,
};
const AFTER: TraceContext = {
  traceType: 'SubAfter',
  requestId: REQUEST,
  messages: [
    { msgId: FIRST, keys: 'order-1' },
    { msgId: SECOND, keys: undefined },
  ],
  costTimeMs: 7,
  success: false,
  contextCode: ConsumeReturnType.FAILED,
  timestampMs: ORIGIN.timestampMs,
  groupName: ORIGIN.groupName,
};

/** What the Java program of test/interop/golden encodes. */
const CONTEXTS: Record<string, TraceContext> = {
  'trace-pub.bin': PUB,
  'trace-pub-bare.bin': {
    ...PUB,
    tags: undefined,
    keys: undefined,
    success: false,
    messageType: TraceMessageType.DELAY,
  },
  'trace-sub-before.bin': {
    traceType: 'SubBefore',
    ...ORIGIN,
    requestId: REQUEST,
    messages: [
      { msgId: FIRST, keys: 'order-1', retryTimes: 0 },
      { msgId: SECOND, keys: undefined, retryTimes: 3 },
    ],
  },
  'trace-sub-after.bin': AFTER,
  'trace-sub-after-cloud.bin': { ...AFTER, timestampMs: undefined, groupName: undefined },
  'trace-end-transaction.bin': {
    traceType: 'EndTransaction',
    ...ORIGIN,
    topic: 'TopicTest',
    msgId: FIRST,
    tags: 'TagA',
    keys: 'order-1',
    storeHost: '10.0.0.2:10911',
    messageType: TraceMessageType.TRANSACTION_COMMIT,
    transactionId: FIRST,
    transactionState: 'UNKNOW',
    fromTransactionCheck: true,
  },
  'trace-recall.bin': { traceType: 'Recall', ...ORIGIN, topic: 'TopicTest', msgId: FIRST, success: true },
};

const files = goldenFiles('trace');

/** One context for each message, as they are read. */
function apart(context: TraceContext): TraceContext[] {
  return 'messages' in context ? context.messages.map((message) => ({ ...context, messages: [message] })) : [context];
}

describe('records of message traces', () => {
  it('are there for each kind', () => {
    expect(new Set(files.map(({ golden }) => golden.file))).toEqual(new Set(Object.keys(CONTEXTS)));
  });

  it.each(files)('$name is written byte for byte', ({ version, golden }) => {
    const written = encodeTraceContext(CONTEXTS[golden.file]);
    expect(Buffer.from(written).equals(goldenBytes(version, golden.file))).toBe(true);
  });

  it.each(files)('$name is read', ({ version, golden }) => {
    expect(decodeTraceData(goldenBytes(version, golden.file).toString())).toEqual(apart(CONTEXTS[golden.file]));
  });

  it.each(files)('$name has the same keys', ({ golden }) => {
    // The client 4.9.8 takes the keys of a message as one; joined by blanks, as KEYS are, they come to the same.
    const keys = golden.expected!['keys'] as string[];
    expect([...traceKeys(CONTEXTS[golden.file])].sort()).toEqual(keys.join(' ').split(' ').sort());
  });
});
