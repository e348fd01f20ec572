import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SerializeType } from '../codes/serialize-type.js';
import { decodeFrame } from './decode-frame.js';
import { encodeFrame } from './encode-frame.js';
import { RemotingCommand } from './remoting-command.js';

/** Text of any UTF-16 units that UTF-8 can carry. */
const anyText = fc.string({ unit: 'grapheme-composite', maxLength: 60 });
/** What headers mostly hold, and what JSON makes of it. */
const trickyText = fc.stringMatching(/^[a-c"\\\u0000-\u0003/é😀\u2028]{0,40}$/u);
const text = fc.oneof(anyText, trickyText);
const fields = fc.dictionary(fc.oneof(text, fc.stringMatching(/^[a-n]$/)), text, { maxKeys: 20 });
const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const command = fc.record({
  code: fc.integer({ min: -0x8000, max: 0x7fff }),
  opaque: int32,
  flag: int32,
  version: fc.integer({ min: 0, max: 0x7fff }),
  remark: fc.option(text, { nil: undefined }),
  fields: fc.option(fields, { nil: undefined }),
  body: fc.uint8Array({ maxLength: 50 }),
});

function wire(type: SerializeType, input: typeof command extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const built = RemotingCommand.request(input.code, input.fields, Buffer.from(input.body));
  built.serializeType = type;
  built.opaque = input.opaque;
  built.flag = input.flag;
  built.version = input.version;
  built.remark = input.remark;
  return Buffer.concat(encodeFrame(built));
}

describe('any command', () => {
  it('comes back from a JSON header, and is written again byte by byte', () => {
    fc.assert(
      fc.property(command, (input) => {
        const frame = wire(SerializeType.JSON, input);
        expect(frame.readInt32BE(0)).toBe(frame.length - 4);
        const decoded = decodeFrame(frame.subarray(4));
        expect(decoded).toMatchObject({
          code: input.code,
          opaque: input.opaque,
          flag: input.flag,
          version: input.version,
        });
        expect(decoded.remark).toBe(input.remark);
        expect(decoded.bodyBuffer.equals(input.body)).toBe(true);
        for (const [name, value] of Object.entries(input.fields ?? {})) expect(decoded.field(name)).toBe(value);
        expect({ ...decoded.extFields }).toEqual({ ...input.fields });
        if (input.fields !== undefined) expect(Buffer.concat(encodeFrame(decoded)).equals(frame)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('comes back from a compact header, but for empty texts', () => {
    fc.assert(
      fc.property(command, (input) => {
        const decoded = decodeFrame(wire(SerializeType.ROCKETMQ, input).subarray(4));
        expect(decoded).toMatchObject({ opaque: input.opaque, flag: input.flag, version: input.version });
        expect(decoded.remark).toBe(input.remark === '' ? undefined : input.remark);
        const kept = Object.entries(input.fields ?? {}).filter(([, value]) => value !== '');
        expect(Object.entries(decoded.extFields)).toEqual(kept);
      }),
      { numRuns: 300 },
    );
  });
});

/** Any JSON value as text, with blanks where JSON allows them. */
function spaced(value: unknown, blank: () => string): string {
  if (Array.isArray(value))
    return `[${blank()}${value.map((item) => spaced(item, blank)).join(`${blank()},${blank()}`)}${blank()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, item]) => `${JSON.stringify(key)}${blank()}:${blank()}${spaced(item, blank)}`,
  );
  return `{${blank()}${members.join(`${blank()},${blank()}`)}${blank()}}`;
}

function frameOf(header: string, body = ''): Buffer {
  const bytes = Buffer.from(header);
  const mark = Buffer.alloc(4);
  mark.writeInt32BE(bytes.length);
  return Buffer.concat([mark, bytes, Buffer.from(body)]);
}

describe('a JSON header of any layout', () => {
  const header = fc.record(
    {
      extFields: fields,
      code: int32,
      opaque: int32,
      flag: int32,
      version: int32,
      language: fc.constantFrom('JAVA', 'GO', 'KLINGON', 'ÜÄ', ''),
      remark: fc.option(text, { nil: null }),
      serializeTypeCurrentRPC: fc.constantFrom('JSON', 'ROCKETMQ'),
      unknown: fc.jsonValue({ maxDepth: 3 }),
    },
    { requiredKeys: [] },
  );

  it('reads as the engine reads it, whatever the order and the blanks', () => {
    const blanks = fc.infiniteStream(fc.constantFrom('', '', '', ' ', '\n\t '));
    const order = fc.infiniteStream(fc.nat(8));
    fc.assert(
      fc.property(header, fc.boolean(), blanks, order, (value, compact, stream, shuffle) => {
        const members = Object.entries(value).map((member) => ({ member, at: shuffle.next().value }));
        const shuffled = Object.fromEntries(members.sort((a, b) => a.at - b.at).map(({ member }) => member));
        const blank = () => (compact ? '' : stream.next().value);
        const decoded = decodeFrame(frameOf(spaced(shuffled, blank), '"\\'));
        expect(decoded.code).toBe(value.code ?? 0);
        expect(decoded.opaque).toBe(value.opaque ?? 0);
        expect(decoded.flag).toBe(value.flag ?? 0);
        expect(decoded.version).toBe(value.version ?? 0);
        expect(decoded.remark).toBe(value.remark ?? undefined);
        expect(decoded.language).toBe(value.language ?? 'OTHER');
        expect({ ...decoded.extFields }).toEqual(value.extFields ?? {});
      }),
      { numRuns: 500 },
    );
  });
});
