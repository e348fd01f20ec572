import { crc32 } from 'node:zlib';

/** A stored message as it comes in a pull, read by the tests' own decoder (magic V1, IPv4 hosts). */
export interface RawRecord {
  sizeBytes: number;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
  storeTimestamp: number;
  body: Buffer;
  topic: string;
  properties: string;
}

const MAGIC_V1 = 0xdaa320a7;

/** Decodes a concatenation of stored messages and checks each one's magic, length and body checksum. */
export function decodeRecords(bytes: Buffer): RawRecord[] {
  const records: RawRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const record = decodeRecord(bytes, at);
    records.push(record);
    at += record.sizeBytes;
  }
  return records;
}

function decodeRecord(bytes: Buffer, at: number): RawRecord {
  const sizeBytes = bytes.readInt32BE(at);
  const magic = bytes.readUInt32BE(at + 4);
  if (magic !== MAGIC_V1) throw new Error(`record at byte ${at} has magic ${magic.toString(16)}`);
  if (at + sizeBytes > bytes.length)
    throw new Error(`record at byte ${at} has ${sizeBytes} bytes, ${bytes.length - at} are there`);
  const bodyLength = bytes.readInt32BE(at + 84);
  const body = bytes.subarray(at + 88, at + 88 + bodyLength);
  const bodyCrc = bytes.readInt32BE(at + 8);
  if ((crc32(body) & 0x7fffffff) !== bodyCrc)
    throw new Error(`record at byte ${at} has a body that its checksum does not match`);
  const topicAt = at + 88 + bodyLength;
  const topicLength = bytes.readUInt8(topicAt);
  const propertiesAt = topicAt + 1 + topicLength;
  const propertiesLength = bytes.readInt16BE(propertiesAt);
  if (propertiesAt + 2 + propertiesLength !== at + sizeBytes)
    throw new Error(`record at byte ${at} does not end where its size says`);
  return {
    sizeBytes,
    queueId: bytes.readInt32BE(at + 12),
    queueOffset: Number(bytes.readBigInt64BE(at + 20)),
    physicalOffset: Number(bytes.readBigInt64BE(at + 28)),
    storeTimestamp: Number(bytes.readBigInt64BE(at + 56)),
    body,
    topic: bytes.toString('utf8', topicAt + 1, topicAt + 1 + topicLength),
    properties: bytes.toString('utf8', propertiesAt + 2, propertiesAt + 2 + propertiesLength),
  };
}
