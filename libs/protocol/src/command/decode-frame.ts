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

/**
 * Decodes one frame: `int32 mark | header | body`, that is without the 4 bytes of its length. It stands in `bytes` between
 * `start` and `end`: what was received holds many frames, and a view of each would cost more than reading its header.
 *
 * The header is scanned once, for the frame's own fields and the places of the ext fields; the body becomes a slice of
 * `bytes` when it is asked for. The command keeps `bytes` until it is let go.
 * @throws ProtocolError PROTOCOL_FRAME, PROTOCOL_HEADER or PROTOCOL_LIMIT; the connection must then be closed
 */
export function decodeFrame(bytes: Buffer, start = 0, end = bytes.length): RemotingCommand {
  const length = end - start;
  if (length < MARK_BYTES || length > FRAME_MAX_LENGTH - 4) {
    throw new ProtocolError(
      'PROTOCOL_FRAME',
      `A frame has ${length} bytes after its length; ${MARK_BYTES} to ${FRAME_MAX_LENGTH - 4} are possible`,
      { length },
    );
  }
  const type = bytes[start];
  const headerLength = (bytes[start + 1] << 16) | (bytes[start + 2] << 8) | bytes[start + 3];
  const headerStart = start + MARK_BYTES;
  const headerEnd = headerStart + headerLength;
  if (headerEnd > end || headerLength > HEADER_MAX_BYTES) throw badHeaderLength(headerLength, length);
  clearFieldIndex();
  resetScannedHeader();
  if (type === SerializeType.JSON) scanJson(bytes, headerStart, headerEnd);
  else if (type === SerializeType.ROCKETMQ) scanCompactHeader(bytes, headerStart, headerEnd);
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
  command.adoptFrame(bytes, start, scannedHeader.extStart, headerEnd, end);
  return command;
}

/** Scans a JSON header by whichever scanner can. */
function scanJson(bytes: Buffer, start: number, end: number): void {
  if (scanCanonicalHeader(bytes, start, end)) return;
  clearFieldIndex();
  resetScannedHeader();
  scanJsonHeader(bytes, start, end);
}

function badHeaderLength(headerLength: number, length: number): ProtocolError {
  return new ProtocolError(
    'PROTOCOL_FRAME',
    `A frame of ${length} bytes says that its header has ${headerLength} bytes; at most ${HEADER_MAX_BYTES} are accepted`,
    { headerLength, length },
  );
}
