import { deflateSync, inflateSync } from 'node:zlib';
import { INFLATED_REGISTER_BODY_MAX_BYTES } from '../defaults.js';
import { ProtocolError } from '../errors.js';
import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson, stringifyFastjson } from '../json/fastjson-stringify.js';
import { asObject, objectOf, stringsOf, stringTableOf } from '../json/json-value.js';
import { decodeDataVersion, encodeDataVersion } from './data-version.js';
import { readTopicConfigSerializeWrapper, type TopicConfig, type TopicConfigSerializeWrapper } from './topic-config.js';

/** The body of REGISTER_BROKER. Source: `remoting/protocol/body/RegisterBrokerBody.java`. */
export interface RegisterBrokerBody {
  topicConfigSerializeWrapper: TopicConfigSerializeWrapper;
  filterServerList: string[];
}

const ZLIB_FIRST_BYTE = 0x78;

/**
 * Reads the plain and the compressed form, told apart by their first byte: brokers of 5.x leave the header `compressed` false
 * even where they compress.
 *
 * @throws ProtocolError `PROTOCOL_BODY` when it is neither, `PROTOCOL_LIMIT` when it inflates beyond the limit.
 */
export function decodeRegisterBrokerBody(body: Buffer): RegisterBrokerBody {
  if (body[0] === ZLIB_FIRST_BYTE) return decodeCompressed(inflate(body));
  const object = asObject(parseFastjson(body), 'a broker registration');
  return {
    topicConfigSerializeWrapper: readTopicConfigSerializeWrapper(objectOf(object, 'topicConfigSerializeWrapper') ?? {}),
    filterServerList: stringsOf(object, 'filterServerList'),
  };
}

export function encodeRegisterBrokerBody(body: RegisterBrokerBody): Buffer {
  return encodeFastjson(body);
}

/**
 * The compressed form: `int32 length + JSON` of the data version, `int32` number of topics, `int32 length + text` for each, then
 * `int32 length + JSON` of the filter servers and, for peers from version 413 on, the number of static topic mappings (none here).
 */
export function encodeCompressedRegisterBrokerBody(body: RegisterBrokerBody): Buffer {
  const { dataVersion, topicConfigTable } = body.topicConfigSerializeWrapper;
  const topics = Object.values(topicConfigTable);
  const parts = [
    sized(encodeDataVersion(dataVersion)),
    int32(topics.length),
    ...topics.map((topic) => sized(Buffer.from(topicText(topic), 'utf8'))),
    sized(encodeFastjson(body.filterServerList)),
    int32(0),
  ];
  return deflateSync(Buffer.concat(parts));
}

function inflate(body: Buffer): Buffer {
  try {
    return inflateSync(body, { maxOutputLength: INFLATED_REGISTER_BODY_MAX_BYTES });
  } catch (error) {
    const tooLarge = error instanceof RangeError;
    throw new ProtocolError(
      tooLarge ? 'PROTOCOL_LIMIT' : 'PROTOCOL_BODY',
      tooLarge
        ? `the broker registration inflates to more than ${INFLATED_REGISTER_BODY_MAX_BYTES} bytes`
        : 'the compressed broker registration cannot be inflated',
      undefined,
      error,
    );
  }
}

function decodeCompressed(bytes: Buffer): RegisterBrokerBody {
  const reader = new SizedReader(bytes);
  const dataVersion = decodeDataVersion(reader.text());
  const count = reader.int32();
  const topicConfigTable: Record<string, TopicConfig> = {};
  for (let i = 0; i < count; i++) {
    const topic = parseTopicText(reader.text());
    topicConfigTable[topic.topicName] = topic;
  }
  const servers = parseFastjson(reader.text());
  return {
    topicConfigSerializeWrapper: { topicConfigTable, dataVersion },
    filterServerList: Array.isArray(servers) ? servers.map(String) : [],
  };
}

/** `name readQueueNums writeQueueNums perm topicFilterType attributesJSON`; older peers leave the attributes out. */
function parseTopicText(text: string): TopicConfig {
  const [topicName, read, write, perm, filterType, ...attributes] = text.split(' ');
  const numbers = [read, write, perm].map(Number);
  const [readQueueNums = NaN, writeQueueNums = NaN, permBits = NaN] = numbers;
  if (!topicName || numbers.some((number) => !Number.isSafeInteger(number))) {
    throw new ProtocolError(
      'PROTOCOL_BODY',
      `the broker registration has the topic ${JSON.stringify(text.slice(0, 200))}, which cannot be read`,
    );
  }
  const attributesJson = attributes.join(' ');
  return {
    topicName,
    readQueueNums,
    writeQueueNums,
    perm: permBits,
    topicFilterType: filterType ?? 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: attributesJson === '' ? {} : stringTableOf({ attributes: parseFastjson(attributesJson) }, 'attributes'),
  };
}

function topicText(topic: TopicConfig): string {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType } = topic;
  return `${topicName} ${readQueueNums} ${writeQueueNums} ${perm} ${topicFilterType} ${stringifyFastjson(topic.attributes)}`;
}

class SizedReader {
  private position = 0;

  constructor(private readonly bytes: Buffer) {}

  int32(): number {
    if (this.position + 4 > this.bytes.length) throw truncated();
    const value = this.bytes.readInt32BE(this.position);
    this.position += 4;
    return value;
  }

  text(): string {
    const length = this.int32();
    if (length < 0 || this.position + length > this.bytes.length) throw truncated();
    const text = this.bytes.toString('utf8', this.position, this.position + length);
    this.position += length;
    return text;
  }
}

function truncated(): ProtocolError {
  return new ProtocolError('PROTOCOL_BODY', 'the compressed broker registration ends too early');
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([int32(bytes.length), bytes]);
}
