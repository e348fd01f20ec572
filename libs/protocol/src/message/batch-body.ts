import { BATCH_MESSAGES_MAX, PROPERTIES_MAX_BYTES } from '../defaults.js';
import { ProtocolError } from '../errors.js';
import type { Message } from './message.js';
import { encodeProperties } from './properties.js';

/** int32 total size, magic, body CRC, flag, body length, int16 properties length. */
const FIXED_BYTES = 22;
const BODY_OFFSET = 20;

/** One message of a batch body; body and properties are slices of it. */
export interface BatchItem {
  flag: number;
  body: Buffer;
  /** Property block, as in a record. */
  properties: Buffer;
}

/**
 * Body of SEND_BATCH_MESSAGE: for each message `int32 size, int32 magic 0, int32 CRC 0, int32 flag, int32 length, body,
 * int16 length, properties`.
 *
 * Follows `MessageDecoder.encodeMessages`.
 * @throws ProtocolError PROTOCOL_INVALID_ARGUMENT when a property block is above 32767 bytes, PROTOCOL_LIMIT for too many messages
 */
export function encodeBatchBody(messages: readonly Message[]): Buffer {
  if (messages.length > BATCH_MESSAGES_MAX) throw tooMany(messages.length);
  const blocks: string[] = [];
  let total = 0;
  for (const message of messages) {
    const block = encodeProperties(message.properties);
    const bytes = Buffer.byteLength(block);
    if (bytes > PROPERTIES_MAX_BYTES) {
      throw new ProtocolError(
        'PROTOCOL_INVALID_ARGUMENT',
        `The properties of a message have ${bytes} bytes; at most ${PROPERTIES_MAX_BYTES} are possible`,
        { bytes },
      );
    }
    blocks.push(block);
    total += FIXED_BYTES + message.body.length + bytes;
  }
  const target = Buffer.allocUnsafe(total);
  let p = 0;
  messages.forEach((message, i) => {
    const start = p;
    target.fill(0, start + 4, start + 12);
    target.writeInt32BE(message.flag ?? 0, start + 12);
    target.writeInt32BE(message.body.length, start + 16);
    target.set(message.body, start + BODY_OFFSET);
    p = start + BODY_OFFSET + message.body.length;
    const bytes = target.write(blocks[i], p + 2);
    target.writeInt16BE(bytes, p);
    p += 2 + bytes;
    target.writeInt32BE(p - start, start);
  });
  return target;
}

/**
 * Messages of a batch body, as slices of it. Magic and CRC of the sender are ignored, as in Java.
 * @throws ProtocolError PROTOCOL_MESSAGE when a length doesn't fit, PROTOCOL_LIMIT for more than {@link BATCH_MESSAGES_MAX} messages
 */
export function splitBatchBody(batch: Buffer): BatchItem[] {
  const items: BatchItem[] = [];
  let p = 0;
  while (p < batch.length) {
    if (items.length === BATCH_MESSAGES_MAX) throw tooMany(items.length + 1);
    if (batch.length - p < FIXED_BYTES) throw broken('its last message is cut off', p);
    const size = batch.readInt32BE(p);
    const bodyLength = batch.readInt32BE(p + 16);
    if (size < FIXED_BYTES || size > batch.length - p) throw broken(`a message has the impossible size ${size}`, p);
    if (bodyLength < 0 || bodyLength > size - FIXED_BYTES)
      throw broken(`a message has the impossible body length ${bodyLength}`, p);
    const bodyStart = p + BODY_OFFSET;
    const bodyEnd = bodyStart + bodyLength;
    const propertiesLength = batch.readInt16BE(bodyEnd);
    if (propertiesLength !== size - FIXED_BYTES - bodyLength) {
      throw broken(
        `a message of ${size} bytes has ${bodyLength} bytes of body and says ${propertiesLength} of properties`,
        p,
      );
    }
    items.push({
      flag: batch.readInt32BE(p + 12),
      body: batch.subarray(bodyStart, bodyEnd),
      properties: batch.subarray(bodyEnd + 2, p + size),
    });
    p += size;
  }
  return items;
}

function broken(what: string, position: number): ProtocolError {
  return new ProtocolError('PROTOCOL_MESSAGE', `A batch body cannot be read: ${what} (byte ${position})`, { position });
}

function tooMany(count: number): ProtocolError {
  return new ProtocolError(
    'PROTOCOL_LIMIT',
    `A batch has ${count} or more messages; at most ${BATCH_MESSAGES_MAX} are accepted`,
    { count },
  );
}
