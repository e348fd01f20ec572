import { languageCode } from '../codes/language-code.js';
import { SerializeType } from '../codes/serialize-type.js';
import { FRAME_MAX_LENGTH } from '../defaults.js';
import { ProtocolError } from '../errors.js';
import { quote } from '../json/quote.js';
import { fitsCompactHeader } from './compact-codes.js';
import type { RemotingCommand } from './remoting-command.js';

/** Length and mark, before the header. */
const PREFIX_BYTES = 8;
const COMPACT_FIXED_BYTES = 21;
const INT16_MAX = 32_767;

/**
 * Encodes a command as a whole frame.
 * @returns `[head, ...body]`: the head holds length, mark and header; body pieces are the command's own, not copied
 * @throws ProtocolError PROTOCOL_FRAME when the frame is above {@link FRAME_MAX_LENGTH}, PROTOCOL_INVALID_ARGUMENT when
 *   a field name is too long for the compact header
 */
export function encodeFrame(command: RemotingCommand): Buffer[] {
  const body = command.body;
  const pieces: readonly Buffer[] = body === undefined ? [] : Buffer.isBuffer(body) ? [body] : body;
  let bodyLength = 0;
  for (const piece of pieces) bodyLength += piece.length;
  // Codes above 32767 don't fit the compact header, so those commands travel with a JSON header.
  const compact = command.serializeType === SerializeType.ROCKETMQ && fitsCompactHeader(command.code);
  const head = compact ? encodeCompactHead(command) : encodeJsonHead(command);
  writeFramePrefix(head, compact ? SerializeType.ROCKETMQ : SerializeType.JSON, bodyLength);
  return bodyLength === 0 ? [head] : [head, ...pieces];
}

/** Writes length and mark before a header that begins at byte 8 of `head` and ends with it. */
export function writeFramePrefix(head: Buffer, type: SerializeType, bodyLength: number): void {
  const headerLength = head.length - PREFIX_BYTES;
  const total = head.length + bodyLength;
  if (total > FRAME_MAX_LENGTH) {
    throw new ProtocolError(
      'PROTOCOL_FRAME',
      `A frame would have ${total} bytes (header ${headerLength}, body ${bodyLength}); at most ${FRAME_MAX_LENGTH} are possible`,
      { total, headerLength, bodyLength },
    );
  }
  head.writeInt32BE(total - 4, 0);
  head.writeInt32BE(((type << 24) | headerLength) >>> 0, 4);
}

function encodeJsonHead(command: RemotingCommand): Buffer {
  let json = `{"code":${command.code}`;
  if (command.hasExtFields) {
    const fields = command.extFields;
    json += ',"extFields":{';
    let separator = '';
    for (const name in fields) {
      json += `${separator}${quote(name)}:${quote(fields[name])}`;
      separator = ',';
    }
    json += '}';
  }
  json += `,"flag":${command.flag},"language":${quote(command.language)},"opaque":${command.opaque}`;
  if (command.remark !== undefined) json += `,"remark":${quote(command.remark)}`;
  json += `,"serializeTypeCurrentRPC":"JSON","version":${command.version}}`;
  const length = Buffer.byteLength(json);
  const head = Buffer.allocUnsafe(PREFIX_BYTES + length);
  head.write(json, PREFIX_BYTES, length, 'utf8');
  return head;
}

function encodeCompactHead(command: RemotingCommand): Buffer {
  const remarkLength = command.remark === undefined ? 0 : Buffer.byteLength(command.remark);
  const fields = command.hasExtFields ? command.extFields : {};
  let extLength = 0;
  for (const name in fields) {
    const nameLength = Buffer.byteLength(name);
    if (nameLength > INT16_MAX) {
      throw new ProtocolError('PROTOCOL_INVALID_ARGUMENT', `A field name of ${nameLength} bytes is above ${INT16_MAX}`);
    }
    extLength += 6 + nameLength + Buffer.byteLength(fields[name]);
  }
  const head = Buffer.allocUnsafe(PREFIX_BYTES + COMPACT_FIXED_BYTES + remarkLength + extLength);
  let p = head.writeInt16BE(command.code, PREFIX_BYTES);
  p = head.writeUInt8(languageCode(command.language), p);
  p = head.writeInt16BE((command.version << 16) >> 16, p);
  p = head.writeInt32BE(command.opaque, p);
  p = head.writeInt32BE(command.flag, p);
  p = head.writeInt32BE(remarkLength, p);
  if (command.remark !== undefined) p += head.write(command.remark, p);
  p = head.writeInt32BE(extLength, p);
  for (const name in fields) {
    const value = fields[name];
    p = head.writeInt16BE(Buffer.byteLength(name), p);
    p += head.write(name, p);
    p = head.writeInt32BE(Buffer.byteLength(value), p);
    p += head.write(value, p);
  }
  return head;
}
