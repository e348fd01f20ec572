import { equalsAscii } from '../command/scanned-header.js';
import { decodeHost, HOST_V4_BYTES } from './host.js';
import { createOffsetMsgId } from './message-id.js';

/** Hosts that are remembered, a power of two: a consumer meets those of some producers and brokers, again and again. */
const KNOWN_HOSTS = 64;
const PORT_MAX = 65_535;
const hostIps = new Int32Array(KNOWN_HOSTS);
const hostPorts = new Int32Array(KNOWN_HOSTS).fill(-1);
const hostTexts = new Array<string>(KNOWN_HOSTS).fill('');
const hostHexes = new Array<string>(KNOWN_HOSTS).fill('');

const HEX = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));
const LOW_16_BITS = 0x1_0000;

let lastTopic = '';
/** Id of the last message without its last four digits, and what it was made of. */
let idSlot = -1;
let idHigh = -1;
let idPrefix = '';

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/** Where an IPv4 host is remembered, -1 when it is none that may be. */
function hostSlot(bytes: Buffer, at: number, length: number): number {
  if (length !== HOST_V4_BYTES) return -1;
  const port = bytes.readInt32BE(at + 4);
  if (port < 0 || port > PORT_MAX) return -1;
  const ip = bytes.readInt32BE(at);
  const slot = (ip ^ (port * 31)) & (KNOWN_HOSTS - 1);
  if (hostIps[slot] !== ip || hostPorts[slot] !== port) {
    hostIps[slot] = ip;
    hostPorts[slot] = port;
    hostTexts[slot] = decodeHost(bytes, at, length);
    hostHexes[slot] = bytes.toString('hex', at, at + length).toUpperCase();
    if (idSlot === slot) idSlot = -1;
  }
  return slot;
}

/** `decodeHost` of a record, without making the same text again. */
export function hostTextAt(bytes: Buffer, at: number, length: number): string {
  const slot = hostSlot(bytes, at, length);
  return slot < 0 ? decodeHost(bytes, at, length) : hostTexts[slot];
}

/** `createOffsetMsgId` of a record. */
export function offsetMsgIdAt(bytes: Buffer, hostAt: number, hostLength: number, physicalOffset: number): string {
  const slot = hostSlot(bytes, hostAt, hostLength);
  if (slot < 0 || physicalOffset < 0)
    return createOffsetMsgId(bytes.subarray(hostAt, hostAt + hostLength), physicalOffset);
  const high = Math.floor(physicalOffset / LOW_16_BITS);
  if (slot !== idSlot || high !== idHigh) {
    idPrefix = hostHexes[slot] + hex(high, 12);
    idSlot = slot;
    idHigh = high;
  }
  const low = physicalOffset - high * LOW_16_BITS;
  return idPrefix + HEX[low >> 8] + HEX[low & 0xff];
}

/** The topic of a record: mostly that of the record before. */
export function topicAt(bytes: Buffer, start: number, end: number): string {
  if (lastTopic.length === end - start && equalsAscii(bytes, start, lastTopic)) return lastTopic;
  const topic = bytes.toString('utf8', start, end);
  // As many characters as bytes: ASCII, or text that no bytes are equal to.
  if (topic.length === end - start) lastTopic = topic;
  return topic;
}
