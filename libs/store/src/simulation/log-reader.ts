/** A record as the checker reads it, with code of its own: an error of the store's decoder must not hide itself. */
export interface LogRecord {
  readonly physicalOffset: number;
  readonly sizeBytes: number;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly sysFlag: number;
  readonly storeTimestamp: number;
  readonly body: Buffer;
  readonly properties: string;
}

const RECORD_MAGIC = 0xdaa320a7;
const BLANK_MAGIC = 0xcbd43194;

/** Reads one record with IPv4 hosts. Throws a text that says what is wrong. */
export function parseRecord(bytes: Buffer, at: number, physicalOffset: number): LogRecord {
  const sizeBytes = bytes.readInt32BE(at);
  const magic = bytes.readUInt32BE(at + 4);
  if (magic !== RECORD_MAGIC) throw new Error(`no record at ${physicalOffset}: magic 0x${magic.toString(16)}`);
  const stated = Number(bytes.readBigInt64BE(at + 28));
  if (stated !== physicalOffset) throw new Error(`the record at ${physicalOffset} says that it stands at ${stated}`);
  const bodyBytes = bytes.readInt32BE(at + 84);
  const bodyAt = at + 88;
  const topicAt = bodyAt + bodyBytes + 1;
  const topicBytes = bytes[topicAt - 1];
  const propertiesAt = topicAt + topicBytes + 2;
  const end = propertiesAt + bytes.readInt16BE(propertiesAt - 2);
  if (end !== at + sizeBytes) throw new Error(`the lengths of the record at ${physicalOffset} do not add up`);
  return {
    physicalOffset,
    sizeBytes,
    topic: bytes.toString('utf8', topicAt, topicAt + topicBytes),
    queueId: bytes.readInt32BE(at + 12),
    queueOffset: Number(bytes.readBigInt64BE(at + 20)),
    sysFlag: bytes.readInt32BE(at + 36),
    storeTimestamp: Number(bytes.readBigInt64BE(at + 56)),
    body: bytes.subarray(bodyAt, bodyAt + bodyBytes),
    properties: bytes.toString('utf8', propertiesAt, end),
  };
}

/** All records of `[start, end)`, which must be a row without gaps. `bytes` begins at `start`, a start of a segment. */
export function parseLog(bytes: Buffer, start: number, end: number, segmentSizeBytes: number): LogRecord[] {
  const records: LogRecord[] = [];
  for (let offset = start; offset < end;) {
    const at = offset - start;
    const segmentEnd = offset - (offset % segmentSizeBytes) + segmentSizeBytes;
    if (bytes.length >= at + 8 && bytes.readUInt32BE(at + 4) === BLANK_MAGIC) {
      if (bytes.readInt32BE(at) !== segmentEnd - offset) throw new Error(`the filler at ${offset} has a wrong size`);
      offset = segmentEnd;
      continue;
    }
    if (bytes.length < at + 91) throw new Error(`the log ends within the record at ${offset}`);
    const record = parseRecord(bytes, at, offset);
    if (offset + record.sizeBytes > segmentEnd) throw new Error(`the record at ${offset} leaves its segment`);
    records.push(record);
    offset += record.sizeBytes;
    if (offset > end) throw new Error(`the record at ${record.physicalOffset} goes over the end of the log, ${end}`);
  }
  return records;
}

/** The records in what a pull returned: each states where it stands. */
export function parseRecords(bytes: Buffer): LogRecord[] {
  const records: LogRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const record = parseRecord(bytes, at, Number(bytes.readBigInt64BE(at + 28)));
    records.push(record);
    at += record.sizeBytes;
  }
  return records;
}
