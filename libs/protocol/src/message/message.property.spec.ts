import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../errors.js';
import { decodeMessage, decodeMessages } from './message-decoder.js';
import { encodeMessage } from './message-encoder.js';
import { MessageSysFlag } from './sys-flag.js';

const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const offset = fc.maxSafeNat();
const host = fc.oneof(fc.ipV4(), fc.constantFrom('[::1]', '[2001:db8::7]', '[fe80::1:2:3]')).map((ip) => `${ip}:54321`);
const property = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
  .filter((text) => !/[\u0001\u0002]/.test(text));
const message = fc.record({
  topic: fc.stringMatching(/^[%a-zA-Z0-9_-]{1,200}$/),
  body: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  flag: int32,
  properties: fc.dictionary(property, property, { maxKeys: 5, noNullPrototype: true }),
  queueId: int32,
  queueOffset: offset,
  physicalOffset: offset,
  sysFlag: fc.constantFrom(0, MessageSysFlag.COMPRESSED_FLAG, MessageSysFlag.TRANSACTION_COMMIT_TYPE | 0x301, 0xc2),
  bornTimestamp: offset,
  bornHost: host,
  storeTimestamp: offset,
  storeHost: host,
  reconsumeTimes: int32,
  preparedTransactionOffset: offset,
});

const V6_FLAGS = MessageSysFlag.BORNHOST_V6_FLAG | MessageSysFlag.STOREHOSTADDRESS_V6_FLAG;

describe('any message', () => {
  it('comes back from its record, and is written again byte by byte', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), (messages) => {
        const records = messages.map(encodeMessage);
        const decoded = decodeMessages(Buffer.concat(records));
        decoded.forEach((got, i) => {
          expect({ ...got, sysFlag: got.sysFlag & ~V6_FLAGS }).toMatchObject(messages[i]);
          expect(encodeMessage(got).equals(records[i])).toBe(true);
        });
        expect(decoded).toHaveLength(messages.length);
      }),
      { numRuns: 200 },
    );
  });

  it('raises nothing but ProtocolError when its bytes are changed or cut', () => {
    const change = fc.record({ at: fc.nat(400), value: fc.oneof(fc.constantFrom(0, 0x7f, 0x80, 0xff), fc.nat(255)) });
    fc.assert(
      fc.property(message, fc.array(change, { maxLength: 4 }), fc.nat(400), (original, changes, cut) => {
        const record = encodeMessage(original);
        for (const { at, value } of changes) record[at % record.length] = value;
        try {
          decodeMessage(record.subarray(0, Math.max(cut, record.length - cut)));
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
