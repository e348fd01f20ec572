import { copyBytes, CURRENT_MQ_VERSION, SerializeType, viewOf } from '@rocknest/protocol';
import type { WritePage } from '@rocknest/remoting';
import type { PutResult } from '@rocknest/store';
import { FRAME_PREFIX_BYTES, isPlainText } from '../reply/reply-frame.js';
import type { SendReplyEncoderOptions } from './send-reply-encoder.js';

/** Upper bound of the prefix, the short texts, the numbers and the id of the stored message (IPv6). */
const OTHERS_MAX_BYTES = 256;
const OFFSET_DIGITS = 16;
const NO_HOST = Buffer.alloc(0);
const HEX = Buffer.from('0123456789ABCDEF');
const BEFORE_QUEUE_ID = viewOf(Buffer.from('","queueId":"'));
const BEFORE_QUEUE_OFFSET = viewOf(Buffer.from('","queueOffset":"'));
const BEFORE_TRANSACTION_ID = viewOf(Buffer.from('","transactionId":"'));
const BEFORE_OPAQUE = viewOf(Buffer.from('"},"opaque":'));
const CLOSE_BRACE = 0x7d;

/**
 * Writes the reply of a stored message straight into the connection's output: the fields that `SendReplyEncoder` writes by way of
 * text, with everything that never changes in front, so that it is one copy. The id that the client gave is copied from the stored record.
 */
export class UsualReplyEncoder {
  /** Longest reply without the client's id; 0 when the region's name is one that JSON escapes, and this encoder is of no use. */
  private readonly fixedMaxBytes: number;
  private readonly beforeHost: string;
  private host: Buffer = NO_HOST;
  /** The frame from its start up to the host in the stored message's id. */
  private head: Buffer = NO_HOST;

  constructor({ regionId, traceOn }: SendReplyEncoderOptions) {
    const fixed = `"code":0,"flag":1,"language":"JAVA","serializeTypeCurrentRPC":"JSON","version":${CURRENT_MQ_VERSION}`;
    this.beforeHost = `{${fixed},"extFields":{"MSG_REGION":"${regionId}","TRACE_ON":"${traceOn}","msgId":"`;
    this.fixedMaxBytes = isPlainText(regionId) ? this.beforeHost.length + OTHERS_MAX_BYTES : 0;
  }

  /** Room that the reply needs at most; undefined when it cannot be written by this encoder. */
  maxBytes(transactionIdBytes: number): number | undefined {
    return this.fixedMaxBytes === 0 ? undefined : this.fixedMaxBytes + transactionIdBytes;
  }

  /**
   * @param result a put with status PUT_OK.
   * @param idFromEnd where the client's id stands, counted back from the end of the record.
   * @returns the position behind the frame.
   */
  encode(
    page: WritePage,
    opaque: number,
    result: PutResult,
    queueId: number,
    idFromEnd: number,
    idBytes: number,
  ): number {
    const { bytes, view, used: start } = page;
    if (result.storeHost !== this.host) this.useHost(result.storeHost);
    bytes.set(this.head, start);
    let p = putHex(bytes, start + this.head.length, result.physicalOffset);
    p = putText(view, p, BEFORE_QUEUE_ID);
    p = putInteger(bytes, p, queueId);
    p = putText(view, p, BEFORE_QUEUE_OFFSET);
    p = putInteger(bytes, p, result.queueOffset);
    p = putText(view, p, BEFORE_TRANSACTION_ID);
    copyBytes(view, p, result.recordView, result.recordAt + result.sizeBytes - idFromEnd, idBytes);
    p = putText(view, p + idBytes, BEFORE_OPAQUE);
    p = putInteger(bytes, p, opaque);
    bytes[p++] = CLOSE_BRACE;
    view.setInt32(start, p - start - 4);
    view.setInt32(start + 4, (SerializeType.JSON << 24) | (p - start - FRAME_PREFIX_BYTES));
    return p;
  }

  private useHost(host: Buffer): void {
    this.host = host;
    this.head = Buffer.from('\0'.repeat(FRAME_PREFIX_BYTES) + this.beforeHost + host.toString('hex').toUpperCase());
  }
}

function putText(view: DataView, p: number, text: DataView): number {
  copyBytes(view, p, text, 0, text.byteLength);
  return p + text.byteLength;
}

/** Sixteen digits of a non-negative safe integer. */
function putHex(buffer: Buffer, p: number, value: number): number {
  let high = Math.floor(value / 0x1_0000_0000);
  let low = value >>> 0;
  for (let i = OFFSET_DIGITS - 1; i >= OFFSET_DIGITS / 2; i--) {
    buffer[p + i] = HEX[low & 15];
    low >>>= 4;
  }
  for (let i = OFFSET_DIGITS / 2 - 1; i >= 0; i--) {
    buffer[p + i] = HEX[high & 15];
    high >>>= 4;
  }
  return p + OFFSET_DIGITS;
}

/** Decimal digits of a safe integer. */
function putInteger(buffer: Buffer, p: number, value: number): number {
  if (value < 0) {
    buffer[p++] = 0x2d;
    value = -value;
  }
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  for (let i = p + digits - 1; i >= p; i--) {
    const rest = Math.floor(value / 10);
    buffer[i] = 0x30 + (value - rest * 10);
    value = rest;
  }
  return p + digits;
}
