import { describe, expect, it } from 'vitest';
import { decodeTraceData } from './decode-trace.js';
import { encodeTraceContext } from './encode-trace.js';

const record = (...fields: string[]): string => `${fields.join('\u0001')}\u0002`;
const PUB = ['Pub', '1', 'r', 'g', 't', 'id', 'null', 'k', 'h:1', '4', '5', '0'];

describe('decodeTraceData', () => {
  it('reads what old clients wrote without an offset id, and new ones with an address behind it', () => {
    const [old, withHost] = decodeTraceData(record(...PUB, 'true') + record(...PUB, 'offset', 'false', '10.0.0.1'));
    expect(old).toMatchObject({ offsetMsgId: undefined, success: true, tags: undefined });
    expect(withHost).toMatchObject({ offsetMsgId: 'offset', success: false });
  });

  it('reads a SubAfter without time and group, and one without a code', () => {
    const data =
      record('SubAfter', 'q', 'id', '3', 'true', 'null', '2', '') + record('SubAfter', 'q', 'id', '3', 'true', 'k');
    expect(decodeTraceData(data)).toMatchObject([
      { contextCode: 2, timestampMs: undefined, groupName: undefined },
      { contextCode: 0, messages: [{ msgId: 'id', keys: 'k' }] },
    ]);
  });

  it('leaves out what is no record', () => {
    const bad = [
      '',
      'hello',
      record('Pub', '1'),
      record('Pub', 'x', ...PUB.slice(2), 'true'),
      record(...PUB.slice(0, 11), '9', 'true'),
      record('SubBefore', '1', 'r', 'g', 'q', 'id', '', 'k'),
      record('EndTransaction', '1', 'r', 'g', 't', 'id', 'null', 'null', 'h', '2', 'id', 'MAYBE', 'false'),
      record('SubAfter', 'q', 'id', '3', 'true', 'null', '17'),
    ].join('\u0002');
    expect(decodeTraceData(bad)).toEqual([]);
    expect(decodeTraceData(bad + record(...PUB, 'true'))).toHaveLength(1);
  });

  it('is not misled by separators in a field', () => {
    const context = { timestampMs: 1, regionId: 'r', groupName: 'a\u0002Pub\u0001', topic: 't', msgId: 'id' };
    const data = encodeTraceContext({ traceType: 'Recall', ...context, success: true });
    expect(decodeTraceData(data)).toMatchObject([{ traceType: 'Recall', groupName: 'aPub', msgId: 'id' }]);
  });
});
