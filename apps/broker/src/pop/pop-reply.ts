import {
  CURRENT_MQ_VERSION,
  encodeMsgOffsetInfo,
  encodeOrderCountInfo,
  encodeStartOffsetInfo,
  type PopMsgOffsets,
  type PopOrderCount,
  type PopStartOffset,
} from '@rocknest/protocol';
import { encodeAsciiFrameHead } from '../reply/reply-frame.js';

/** What a pop found, as its answer tells it. */
export interface PopFindings {
  readonly popTimeMs: number;
  readonly invisibleMs: number;
  readonly reviveQueueId: number;
  readonly restNum: number;
  readonly startOffsets: readonly PopStartOffset[];
  readonly msgOffsets: readonly PopMsgOffsets[];
  /** Only of pops in order. */
  readonly orderCounts: readonly PopOrderCount[] | undefined;
  readonly bodies: readonly Buffer[];
  readonly bodyBytes: number;
}

const TAIL = `","serializeTypeCurrentRPC":"JSON","version":${CURRENT_MQ_VERSION}}`;

/** The frame of a pop's answer. Fields of `header/PopMessageResponseHeader.java`; all of it is ASCII that needs no escaping. */
export function encodePopReply(opaque: number, code: number, remark: string, found: PopFindings): readonly Buffer[] {
  const orderCounts =
    found.orderCounts === undefined ? '' : `"orderCountInfo":"${encodeOrderCountInfo(found.orderCounts)}",`;
  const header = `{"code":${code},"extFields":{"invisibleTime":"${found.invisibleMs}","msgOffsetInfo":"${encodeMsgOffsetInfo(found.msgOffsets)}",${orderCounts}"popTime":"${found.popTimeMs}","restNum":"${found.restNum}","reviveQid":"${found.reviveQueueId}","startOffsetInfo":"${encodeStartOffsetInfo(found.startOffsets)}"},"flag":1,"language":"JAVA","opaque":${opaque},"remark":"${remark}${TAIL}`;
  const head = encodeAsciiFrameHead(header, found.bodyBytes);
  return found.bodies.length === 0 ? [head] : [head, ...found.bodies];
}
