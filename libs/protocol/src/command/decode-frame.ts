import { SerializeType } from '../codes/serialize-type.js';
import { FRAME_MAX_LENGTH, HEADER_MAX_BYTES } from '../defaults.js';
import { ProtocolError } from '../errors.js';
import { restoreRequestCode } from './compact-codes.js';
import { scanCanonicalHeader } from './canonical-header-scanner.js';
import { scanCompactHeader } from './compact-header-scanner.js';
import { clearFieldIndex } from './field-index.js';
import { scanJsonHeader } from './json-header-scanner.js';
import { FLAG_RESPONSE, RemotingCommand } from './remoting-command.js';
import { resetScannedHeader, scannedHeader } from './scanned-header.js';

/** Bytes of the mark: serialisation type in the top byte, header length in the others. */
const MARK_BYTES = 4;

/** Longer headers are not read as one string, since each field that is kept would keep it alive. */
const HEADER_TEXT_MAX_BYTES = 4096;

/**
 * Decodes one frame: `int32 mark | header | body`, that is without the 4 bytes of its length.
 *
 * The header is scanned once, for the frame's own fields and the places of the ext fields; the body is a slice of
 * `bytes`. The command keeps `bytes` until it is let go.
 * @throws ProtocolError PROTOCOL_FRAME, PROTOCOL_HEADER or PROTOCOL_LIMIT; the connection must then be closed
 */
export function decodeFrame(bytes: Buffer): RemotingCommand {
  const length = bytes.length;
  if (length < MARK_BYTES || length > FRAME_MAX_LENGTH - 4) {
    throw new ProtocolError(
      'PROTOCOL_FRAME',
      `A frame has ${length} bytes after its length; ${MARK_BYTES} to ${FRAME_MAX_LENGTH - 4} are possible`,
      { length },
    );
  }
  const type = bytes[0];
  const headerLength = (bytes[1] << 16) | (bytes[2] << 8) | bytes[3];
  const headerEnd = MARK_BYTES + headerLength;
  if (headerEnd > length || headerLength > HEADER_MAX_BYTES) throw badHeaderLength(headerLength, length);
  clearFieldIndex();
  resetScannedHeader();
  let text: string | undefined;
  if (type === SerializeType.JSON) text = scanJson(bytes, headerEnd);
  else if (type === SerializeType.ROCKETMQ) scanCompactHeader(bytes, MARK_BYTES, headerEnd);
  else throw new ProtocolError('PROTOCOL_FRAME', `A frame has the unknown serialisation type ${type}`, { type });
  const flag = scannedHeader.flag;
  const command = new RemotingCommand(scannedHeader.code, flag, scannedHeader.language);
  if (type === SerializeType.ROCKETMQ) {
    command.serializeType = SerializeType.ROCKETMQ;
    if ((flag & FLAG_RESPONSE) === 0) command.code = restoreRequestCode(command.code);
  }
  command.opaque = scannedHeader.opaque;
  command.version = scannedHeader.version;
  command.remark = scannedHeader.remark;
  if (headerEnd < length) command.body = bytes.subarray(headerEnd, length);
  command.adoptHeader(bytes, scannedHeader.extStart, headerEnd, text);
  return command;
}

/**
 * Scans a JSON header by whichever scanner can.
 * @returns the header's text when places in it are places in the bytes, undefined when the thorough scanner was needed
 */
function scanJson(bytes: Buffer, headerEnd: number): string | undefined {
  if (headerEnd <= HEADER_TEXT_MAX_BYTES) {
    const text = bytes.toString('utf8', MARK_BYTES, headerEnd);
    // As many units as bytes: each byte is a character of its own.
    if (text.length === headerEnd - MARK_BYTES && scanCanonicalHeader(bytes, text)) return text;
    clearFieldIndex();
    resetScannedHeader();
  }
  scanJsonHeader(bytes, MARK_BYTES, headerEnd);
  return undefined;
}

function badHeaderLength(headerLength: number, length: number): ProtocolError {
  return new ProtocolError(
    'PROTOCOL_FRAME',
    `A frame of ${length} bytes says that its header has ${headerLength} bytes; at most ${HEADER_MAX_BYTES} are accepted`,
    { headerLength, length },
  );
}
