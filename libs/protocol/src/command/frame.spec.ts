import { describe, expect, it } from 'vitest';
import { SerializeType } from '../codes/serialize-type.js';
import { mqVersionName } from '../codes/mq-version.js';
import { decodeFrame } from './decode-frame.js';
import { encodeFrame } from './encode-frame.js';
import { RemotingCommand } from './remoting-command.js';

function frameOf(type: number, header: string | Buffer, body = ''): Buffer {
  const head = Buffer.from(header as string);
  const mark = Buffer.alloc(4);
  mark.writeInt32BE((type << 24) | head.length);
  return Buffer.concat([mark, head, Buffer.from(body)]);
}

const roundTrip = (command: RemotingCommand): RemotingCommand =>
  decodeFrame(Buffer.concat(encodeFrame(command)).subarray(4));

describe('frames with a JSON header', () => {
  it('reads what a Java client writes', () => {
    const header =
      '{"code":310,"extFields":{"a":"group","b":"T\\u0001o","e":"-3","i":"UNIQ_KEY\\u0001AB\\u0002TAGS\\u0001ä\\u0002"},' +
      '"flag":0,"language":"JAVA","opaque":-7,"remark":"x\\ny","serializeTypeCurrentRPC":"JSON","version":409}';
    const command = decodeFrame(frameOf(0, header, 'body'));
    expect(command.code).toBe(310);
    expect(command.opaque).toBe(-7);
    expect(command.version).toBe(409);
    expect(command.language).toBe('JAVA');
    expect(command.remark).toBe('x\ny');
    expect(command.field('a')).toBe('group');
    expect(command.field('b')).toBe('T\u0001o');
    expect(command.integerField('e')).toBe(-3);
    expect(command.field('i')).toBe('UNIQ_KEY\u0001AB\u0002TAGS\u0001ä\u0002');
    expect(command.field('zz')).toBeUndefined();
    expect(command.bodyBuffer.toString()).toBe('body');
    expect({ ...command.extFields }).toEqual({
      a: 'group',
      b: 'T\u0001o',
      e: '-3',
      i: 'UNIQ_KEY\u0001AB\u0002TAGS\u0001ä\u0002',
    });
  });

  it('takes blanks, any order, bare numbers, nulls, unknown members and escaped names', () => {
    const header =
      ' { "version" : 1 , "other":[1,{"a":[true,null,"]"]}], "extFields" : { "n" : 12 , "nul":null,"\\u0062":"v" , "t":true },' +
      ' "opaque":"5","code":3,"remark":null,"flag":1,"language":"KLINGON" } ';
    const command = decodeFrame(frameOf(0, header));
    expect(command.isResponse).toBe(true);
    expect(command.body).toBeUndefined();
    expect(command.opaque).toBe(5);
    expect(command.language).toBe('KLINGON');
    expect(command.remark).toBeUndefined();
    expect(command.integerField('n')).toBe(12);
    expect(command.field('nul')).toBeUndefined();
    expect(command.field('b')).toBe('v');
    expect(command.field('t')).toBe('true');
  });

  it('reads fields of an older command after a newer one was decoded', () => {
    const older = decodeFrame(frameOf(0, '{"code":1,"extFields":{"k":"old"}}'));
    const newer = decodeFrame(frameOf(0, '{"code":1,"extFields":{"k":"new","l":"x"}}'));
    expect(older.field('k')).toBe('old');
    expect(newer.field('k')).toBe('new');
    expect(older.field('l')).toBeUndefined();
  });

  it.each([
    '',
    '[]',
    '{',
    '{"code"',
    '{"code":1',
    '{"code":1}x',
    '{"code":1,}',
    '{"code":99999999999}',
    '{"code":1.5}',
    '{"extFields":{"a":"b}}',
    '{"extFields":{"a"}}',
    '{"remark":"\\u00g0"}',
    '{"remark":"\\x"}',
    '{code:1}',
    `{"x":${'['.repeat(100)}${']'.repeat(100)}}`,
    '{"extFields":{"a":"b\\"}}',
  ])('refuses %s', (header) => {
    expect(() => decodeFrame(frameOf(0, header))).toThrow(/header|string/);
  });
});

describe('frames with a compact header', () => {
  it('round-trips', () => {
    const command = RemotingCommand.request(310, { a: 'grüße', e: -1, k: false, none: undefined }, Buffer.from('b'));
    command.serializeType = SerializeType.ROCKETMQ;
    command.opaque = 2_000_000_000;
    command.remark = 'höflich';
    const decoded = roundTrip(command);
    expect(decoded.serializeType).toBe(SerializeType.ROCKETMQ);
    expect(decoded.opaque).toBe(2_000_000_000);
    expect(decoded.remark).toBe('höflich');
    expect(decoded.version).toBe(479);
    expect({ ...decoded.extFields }).toEqual({ a: 'grüße', e: '-1', k: 'false' });
  });

  it('is not used for codes above 16 bits, and restores truncated ones', () => {
    const pop = RemotingCommand.request(200_050, { topic: 't' });
    pop.serializeType = SerializeType.ROCKETMQ;
    expect(encodeFrame(pop)[0][4]).toBe(SerializeType.JSON);
    pop.code = 3442;
    expect(roundTrip(pop).code).toBe(200_050);
  });

  it('refuses lengths that leave the header', () => {
    const bytes = Buffer.concat(encodeFrame(compactRequest())).subarray(4);
    for (const [position, value] of [
      [17, 0x7fffffff],
      [17, -1],
      [21, 1000],
      [21, -5],
    ] as const) {
      const broken = Buffer.from(bytes);
      broken.writeInt32BE(value, position);
      expect(() => decodeFrame(broken)).toThrow(/length/);
    }
    expect(() => decodeFrame(frameOf(1, Buffer.alloc(20)))).toThrow(/shorter/);
  });
});

describe('frames', () => {
  it('keeps body pieces as they are', () => {
    const pieces = [Buffer.from('one'), Buffer.from('two')];
    const frame = encodeFrame(RemotingCommand.response(0, { body: pieces }));
    expect(frame[1]).toBe(pieces[0]);
    expect(frame[2]).toBe(pieces[1]);
    expect(roundTrip(RemotingCommand.response(0, { body: pieces })).bodyBuffer.toString()).toBe('onetwo');
  });

  it('keeps every UTF-16 unit of a field', () => {
    const value = '\u0000\u0001\u001f"\\/\u007f\u0080\u00a0\u2028\u2029é漢😀\ud800x\udc00';
    const decoded = roundTrip(RemotingCommand.request(1, { value }));
    expect(decoded.field('value')).toBe(value);
  });

  it('refuses unknown serialisation types and impossible lengths', () => {
    expect(() => decodeFrame(frameOf(2, '{}'))).toThrow(/serialisation type 2/);
    expect(() => decodeFrame(Buffer.from([0, 0, 1, 0, 0x7b]))).toThrow(/256 bytes/);
    expect(() => decodeFrame(Buffer.alloc(3))).toThrow(/3 bytes/);
    const big = RemotingCommand.response(0, { body: Buffer.alloc(16_777_216) });
    expect(() => encodeFrame(big)).toThrow(/16777216 are possible/);
  });

  it('changes with setField', () => {
    const command = decodeFrame(frameOf(0, '{"code":1,"extFields":{"k":"old"}}'));
    command.setField('n', 5);
    expect(command.field('k')).toBe('old');
    expect(roundTrip(command).field('n')).toBe('5');
  });
});

describe('mqVersionName', () => {
  it('knows the ordinals of the list', () => {
    const known = {
      0: 'V3_0_0_SNAPSHOT',
      28: 'V3_0_7_SNAPSHOT',
      121: 'V3_4_9',
      213: 'V4_0_0',
      401: 'V4_9_4',
      413: 'V5_0_0',
      479: 'V5_3_3',
      493: 'V5_4_0',
      612: 'HIGHER_VERSION',
      900: 'HIGHER_VERSION',
    };
    for (const [ordinal, name] of Object.entries(known)) expect(mqVersionName(Number(ordinal))).toBe(name);
  });
});

function compactRequest(): RemotingCommand {
  const command = RemotingCommand.request(10, { topic: 't' });
  command.serializeType = SerializeType.ROCKETMQ;
  return command;
}
