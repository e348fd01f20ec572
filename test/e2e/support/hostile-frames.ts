import { rawFrame } from '../../support/raw-remoting.js';

const FRAME_MAX_BYTES = 16 * 1024 * 1024;
const ROCKETMQ_HEADER = 1;

function int32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeInt32BE(value | 0, at * 4));
  return bytes;
}

/** A frame around any header bytes. */
function frame(header: Buffer, serializeType = 0, body: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([int32(4 + header.length + body.length, (serializeType << 24) | header.length), header, body]);
}

function jsonFrame(header: string): Buffer {
  return frame(Buffer.from(header));
}

/** Compact header of request 105 with a remark and extension lengths of the caller's choice. */
function binaryFrame(remarkLength: number, extensionLength: number, rest: Buffer): Buffer {
  const head = Buffer.alloc(13);
  head.writeInt16BE(105, 0);
  head.writeInt32BE(7, 5);
  return frame(Buffer.concat([head, int32(remarkLength, extensionLength), rest]), ROCKETMQ_HEADER);
}

const deep = 20_000;

/** Bytes that no client sends. Each may be answered with an error or cost the connection, and nothing else. */
export const malformed: readonly { what: string; bytes: Buffer }[] = [
  { what: 'a negative frame length', bytes: int32(-1, 0, 0, 0) },
  { what: 'the lowest frame length', bytes: int32(-2_147_483_648, 0) },
  { what: 'a frame length of zero', bytes: int32(0, 0, 0) },
  { what: 'a frame without room for the header length', bytes: int32(3, 0) },
  { what: 'a header longer than its frame', bytes: int32(8, 1000, 0) },
  { what: 'a frame one byte over the limit', bytes: int32(FRAME_MAX_BYTES - 3, 16) },
  { what: 'a frame of two gigabytes', bytes: int32(2_147_483_647, 16) },
  { what: 'an unknown serialisation', bytes: frame(Buffer.from('{}'), 9) },
  { what: 'an HTTP request', bytes: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n') },
  { what: 'a TLS greeting', bytes: Buffer.from('16030100c8010000c40303', 'hex') },
  { what: 'a header of zero bytes', bytes: frame(Buffer.alloc(0)) },
  { what: 'a header that is no JSON', bytes: jsonFrame('not json at all') },
  { what: 'a JSON header cut short', bytes: jsonFrame('{"code":105,"opaque":1,"extFields":{"topic":"a') },
  { what: 'a JSON header that is an array', bytes: jsonFrame('[1,2,3]') },
  { what: 'a JSON header that is null', bytes: jsonFrame('null') },
  { what: 'a JSON header with a code of text', bytes: jsonFrame('{"code":"x","opaque":1,"flag":0}') },
  {
    what: 'a JSON header with numbers out of range',
    bytes: jsonFrame('{"code":1e300,"opaque":99999999999999999999,"flag":-1e99}'),
  },
  {
    what: 'a JSON header nested too deep',
    bytes: jsonFrame(`{"code":105,"extFields":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`),
  },
  {
    what: 'a prototype for a field name',
    bytes: jsonFrame('{"code":105,"opaque":1,"extFields":{"__proto__":"x","constructor":"y"}}'),
  },
  {
    what: 'a header that is no UTF-8',
    bytes: frame(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d])),
  },
  { what: 'a compact header cut short', bytes: frame(Buffer.from([0, 105, 0]), ROCKETMQ_HEADER) },
  { what: 'a compact header with a remark of two gigabytes', bytes: binaryFrame(2_147_483_647, 0, Buffer.alloc(4)) },
  { what: 'a compact header with a negative remark', bytes: binaryFrame(-5, 0, Buffer.alloc(4)) },
  { what: 'a compact header with fields beyond its end', bytes: binaryFrame(0, 1_000_000, Buffer.alloc(8)) },
  { what: 'a compact header with a field of negative length', bytes: binaryFrame(0, 8, int32(0x00016100, -1)) },
  {
    what: 'a response nobody asked for',
    bytes: jsonFrame('{"code":0,"opaque":123456,"flag":1,"language":"JAVA","version":1}'),
  },
  {
    what: 'a batch that claims more than it holds',
    bytes: rawFrame(320, 1, { b: 'hostile', e: 0, m: true, f: 0, g: 0, h: 0 }, int32(2_000_000_000, 0, 0, 0, 5)),
  },
  {
    what: 'a batch with records of no length',
    bytes: rawFrame(320, 1, { b: 'hostile', e: 0, m: true, f: 0, g: 0, h: 0 }, int32(0, 0, 0, 0, 0, 0)),
  },
  { what: 'a heartbeat that is no JSON', bytes: rawFrame(34, 1, {}, Buffer.from('{"clientID":')) },
  { what: 'a heartbeat nested too deep', bytes: rawFrame(34, 1, {}, Buffer.from('['.repeat(200_000))) },
  {
    what: 'a lock of no queues',
    bytes: rawFrame(41, 1, {}, Buffer.from('{"consumerGroup":"g","clientId":"c","mqSet":7}')),
  },
];

/** Values that a header field may come with instead of what belongs there. */
export const hostileValues = [
  '',
  '-1',
  '9223372036854775807',
  '1e9',
  'NaN',
  '../../etc',
  '\u0001\u0002',
  'x'.repeat(40_000),
];

/** Request codes of clients, tools and brokers, and some that nobody has. */
export const requestCodes = [
  10, 11, 12, 14, 15, 17, 21, 25, 26, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 45, 100, 101, 102,
  103, 104, 105, 106, 200, 201, 202, 203, 204, 205, 206, 207, 208, 215, 216, 219, 220, 221, 222, 223, 224, 300, 307,
  309, 310, 311, 312, 313, 315, 318, 319, 320, 322, 324, 325, 326, 327, 328, 343, 351, 352, 361, 901, 904, 200050,
  77777, -5,
];
