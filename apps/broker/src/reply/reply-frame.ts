import { SerializeType } from '@rocknest/protocol';
import type { WritePage } from '@rocknest/remoting';

/** Length and mark in front of the header. */
export const FRAME_PREFIX_BYTES = 8;
/** Headers of templates are 200 to 400 bytes; prefixes of lengths up to this are kept ready. */
const MAX_CACHED_HEADER_BYTES = 1_024;

/** Text that stands in a JSON string as it is, one byte for each character. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

const prefixes: string[] = [];

/** Texts up to this length are looked at character by character, which is cheaper than the pattern. */
const SHORT_TEXT_LENGTH = 64;

/** True when the text needs no escaping in JSON and is ASCII, so that a template may take it in as it is. */
export function isPlainText(text: string): boolean {
  if (text.length > SHORT_TEXT_LENGTH) return PLAIN_TEXT.test(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

/**
 * A whole frame of a JSON header that is ASCII text. The two length fields are put in front as characters, so that one
 * `latin1` copy makes the frame; that costs a third of filling in numbers and concatenating buffers.
 *
 * @param bodyLengthBytes how long the body is that follows the returned head.
 */
export function encodeAsciiFrameHead(header: string, bodyLengthBytes: number): Buffer {
  const prefix =
    bodyLengthBytes === 0 && header.length <= MAX_CACHED_HEADER_BYTES
      ? (prefixes[header.length] ??= framePrefix(header.length, 0))
      : framePrefix(header.length, bodyLengthBytes);
  return Buffer.from(prefix + header, 'latin1');
}

/**
 * Writes a frame without a body into a page, behind what it holds.
 *
 * @param header ASCII; the page has room for it and {@link FRAME_PREFIX_BYTES}
 * @returns where the frame ends
 */
export function writeAsciiFrame({ bytes, view, used }: WritePage, header: string): number {
  view.setInt32(used, FRAME_PREFIX_BYTES - 4 + header.length);
  view.setInt32(used + 4, (SerializeType.JSON << 24) | header.length);
  const start = used + FRAME_PREFIX_BYTES;
  return start + bytes.write(header, start, 'latin1');
}

function framePrefix(headerLengthBytes: number, bodyLengthBytes: number): string {
  const length = FRAME_PREFIX_BYTES - 4 + headerLengthBytes + bodyLengthBytes;
  return int32Text(length) + int32Text((SerializeType.JSON << 24) | headerLengthBytes);
}

function int32Text(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
