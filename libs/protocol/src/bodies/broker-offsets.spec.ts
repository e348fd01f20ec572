import { describe, expect, it } from 'vitest';
import {
  decodeConsumerOffsetWrapper,
  decodeDelayOffsetWrapper,
  encodeConsumerOffsetWrapper,
  encodeDelayOffsetWrapper,
} from './broker-offsets.js';

const dataVersion = { stateVersion: 0, timestamp: 1_700_000_000_000, counter: 7 };

describe('offsets that a slave asks its master for', () => {
  it('have bare queue ids, as fastjson writes and reads them', () => {
    const offsetTable = new Map([
      [
        'Orders@GID_a',
        new Map([
          [0, 12],
          [3, 2 ** 40],
        ]),
      ],
    ]);
    const body = encodeConsumerOffsetWrapper({ offsetTable, dataVersion });
    expect(body.toString()).toContain('"offsetTable":{"Orders@GID_a":{0:12,3:1099511627776}}');
    expect(decodeConsumerOffsetWrapper(body)).toEqual({ offsetTable, dataVersion });
  });

  it('come with more than is looked at from newer brokers', () => {
    const body = '{"dataVersion":{"counter":1,"timestamp":2},"groupTopicMap":{},"offsetTable":{"t@g":{"0":5}}}';
    expect(decodeConsumerOffsetWrapper(body).offsetTable).toEqual(new Map([['t@g', new Map([[0, 5]])]]));
  });

  it('are there for delay levels', () => {
    const offsetTable = new Map([
      [1, 5],
      [18, 0],
    ]);
    const body = encodeDelayOffsetWrapper({ offsetTable, dataVersion });
    expect(body.toString()).toContain('"offsetTable":{1:5,18:0}');
    expect(decodeDelayOffsetWrapper(body)).toEqual({ offsetTable, dataVersion });
    expect(decodeDelayOffsetWrapper('{}').offsetTable).toEqual(new Map());
  });

  it.each(['{"offsetTable":{"t@g":{"x":5}}}', '{"offsetTable":{"t@g":{"0":"five"}}}', '{"offsetTable":[]}', 'no JSON'])(
    'are refused as %s',
    (body) => {
      expect(() => decodeConsumerOffsetWrapper(body)).toThrow(expect.objectContaining({ name: 'ProtocolError' }));
    },
  );
});
