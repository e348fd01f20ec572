import { isIPv4, isIPv6 } from 'node:net';
import { ProtocolError } from '../errors.js';

/** Bytes of a host in a record: raw address and int32 port. */
export const HOST_V4_BYTES = 8;
export const HOST_V6_BYTES = 20;

/**
 * Raw address and port of `ip:port` or `[ipv6]:port` (also `ipv6:port`, the form Java prints).
 * @returns 8 bytes for IPv4, 20 for IPv6
 * @throws ProtocolError PROTOCOL_INVALID_ARGUMENT when the text is no such address
 */
export function encodeHost(address: string): Buffer {
  const colon = address.lastIndexOf(':');
  let ip = address.substring(0, colon);
  if (ip.startsWith('[') && ip.endsWith(']')) ip = ip.slice(1, -1);
  const scope = ip.indexOf('%');
  if (scope >= 0) ip = ip.substring(0, scope);
  if (ip.startsWith('/')) ip = ip.substring(1);
  const portText = address.substring(colon + 1);
  const port = Number(portText);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped !== null) ip = mapped[1];
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) throw badAddress(address);
  if (isIPv4(ip)) {
    const bytes = Buffer.allocUnsafe(HOST_V4_BYTES);
    ip.split('.').forEach((part, i) => bytes.writeUInt8(Number(part), i));
    bytes.writeInt32BE(port, 4);
    return bytes;
  }
  if (!isIPv6(ip)) throw badAddress(address);
  const bytes = Buffer.alloc(HOST_V6_BYTES);
  ipv6Groups(ip).forEach((group, i) => bytes.writeUInt16BE(group, i * 2));
  bytes.writeInt32BE(port, 16);
  return bytes;
}

function badAddress(address: string): ProtocolError {
  return new ProtocolError(
    'PROTOCOL_INVALID_ARGUMENT',
    `${JSON.stringify(address)} is not an address of the form ip:port`,
    { address },
  );
}

/** The eight groups of an address that `isIPv6` accepted. */
function ipv6Groups(ip: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(2).map(Number);
    ip = `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head, tail] = ip.split('::');
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
  const left = groups(head);
  const right = groups(tail);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/**
 * `ip:port`, or `[ipv6]:port` with the address in its shortest form.
 * @param length 8 (IPv4) or 20 (IPv6)
 */
export function decodeHost(bytes: Buffer, offset = 0, length = bytes.length - offset): string {
  if (length === HOST_V4_BYTES) {
    return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}:${bytes.readInt32BE(offset + 4)}`;
  }
  if (length !== HOST_V6_BYTES) {
    throw new ProtocolError('PROTOCOL_MESSAGE', `A host has ${length} bytes; 8 (IPv4) or 20 (IPv6) are possible`, {
      length,
    });
  }
  const groups: string[] = [];
  for (let i = 0; i < 8; i++) groups.push(bytes.readUInt16BE(offset + i * 2).toString(16));
  return `[${compressIpv6(groups)}]:${bytes.readInt32BE(offset + 16)}`;
}

/** Replaces the longest run of two or more zero groups by `::` (RFC 5952). */
function compressIpv6(groups: string[]): string {
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < groups.length; i++) {
    let length = 0;
    while (i + length < groups.length && groups[i + length] === '0') length++;
    if (length > bestLength) {
      bestStart = i;
      bestLength = length;
    }
    if (length > 0) i += length - 1;
  }
  if (bestStart < 0) return groups.join(':');
  return `${groups.slice(0, bestStart).join(':')}::${groups.slice(bestStart + bestLength).join(':')}`;
}
