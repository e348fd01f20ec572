import { bodyLengthPosition, magicForTopic, MessageConst, MessageLayout, topicLengthBytes } from '@rocknest/protocol';

/** Queue offsets of stored records that stand one behind the other. */
export function queueOffsetsOf(records: readonly Buffer[]): number[] {
  const offsets: number[] = [];
  forEachRecord(records, (record) => {
    offsets.push(Number(record.readBigInt64BE(MessageLayout.QUEUE_OFFSET)));
  });
  return offsets;
}

/** Calls for each record; slices may hold several. */
export function forEachRecord(records: readonly Buffer[], each: (record: Buffer) => void): void {
  for (const slice of records) {
    for (let at = 0; at < slice.length;) {
      const size = slice.readInt32BE(at + MessageLayout.TOTAL_SIZE);
      each(slice.subarray(at, at + size));
      at += size;
    }
  }
}

/**
 * A record of a retry topic as a consumer gets it: under the topic that it popped, with the handle in POP_CK, since it cannot be told from the topic any
 * more. The body stays as it is.
 */
export function withTopicAndHandle(record: Buffer, topic: string, handle: string): Buffer {
  const sysFlag = record.readInt32BE(MessageLayout.SYS_FLAG);
  const bodyLengthAt = bodyLengthPosition(sysFlag);
  const topicAt = bodyLengthAt + 4 + record.readInt32BE(bodyLengthAt);
  const oldTopicLengthBytes = topicLengthBytes(record.readInt32BE(MessageLayout.MAGIC));
  const oldTopicBytes = oldTopicLengthBytes === 1 ? record.readUInt8(topicAt) : record.readUInt16BE(topicAt);
  const propertiesAt = topicAt + oldTopicLengthBytes + oldTopicBytes;
  const properties = record.subarray(propertiesAt + 2, propertiesAt + 2 + record.readUInt16BE(propertiesAt));
  const hasHandle = includesProperty(properties, MessageConst.POP_CK);
  const separator = properties.length === 0 || properties[properties.length - 1] === 2 ? '' : '\u0002';
  const more = hasHandle ? '' : `${separator}${MessageConst.POP_CK}\u0001${handle}\u0002`;

  const topicBytes = Buffer.from(topic);
  const magic = magicForTopic(topicBytes.length);
  const newTopicLengthBytes = topicLengthBytes(magic);
  const moreBytes = Buffer.byteLength(more);
  const size = topicAt + newTopicLengthBytes + topicBytes.length + 2 + properties.length + moreBytes;
  const copy = Buffer.allocUnsafe(size);
  record.copy(copy, 0, 0, topicAt);
  copy.writeInt32BE(size, MessageLayout.TOTAL_SIZE);
  copy.writeInt32BE(magic, MessageLayout.MAGIC);
  let at = topicAt;
  at = newTopicLengthBytes === 1 ? copy.writeUInt8(topicBytes.length, at) : copy.writeUInt16BE(topicBytes.length, at);
  at += topicBytes.copy(copy, at);
  at = copy.writeUInt16BE(properties.length + moreBytes, at);
  at += properties.copy(copy, at);
  copy.write(more, at);
  return copy;
}

function includesProperty(properties: Buffer, name: string): boolean {
  const key = `${name}\u0001`;
  for (let at = properties.indexOf(key); at >= 0; at = properties.indexOf(key, at + 1)) {
    if (at === 0 || properties[at - 1] === 2) return true;
  }
  return false;
}
