import { ProtocolError } from '../errors.js';
import { isPopRetryFlag, popInfoError, popInteger } from './info-fields.js';
import type { PopRetryFlag } from '../topic/pop-retry-topic.js';

/** Most characters of an extra info: seven numbers and a broker name. */
export const POP_EXTRA_INFO_MAX_LENGTH = 1024;

/**
 * The handle of a popped message (property POP_CK, header field `extraInfo`): what an acknowledgement brings back.
 * Eight parts, joined by spaces. Source: `remoting/protocol/header/ExtraInfoUtil.java`.
 */
export interface PopExtraInfo {
  /** First queue offset of the check point that the message belongs to. */
  ckQueueOffset: number;
  /** When it was popped, in milliseconds since 1970. */
  popTime: number;
  /** How long it stays invisible from `popTime` on, in milliseconds. */
  invisibleTime: number;
  /** Queue of the revive topic; `POP_ORDER_REVIVE_QUEUE` for messages popped in order. */
  reviveQid: number;
  retry: PopRetryFlag;
  brokerName: string;
  /** Queue of the topic that `retry` names. */
  queueId: number;
  /** Offset of the message in its queue; handles of whole check points have none. */
  queueOffset?: number | undefined;
}

export function encodePopExtraInfo(info: PopExtraInfo): string {
  const head = `${info.ckQueueOffset} ${info.popTime} ${info.invisibleTime} ${info.reviveQid} ${info.retry} ${info.brokerName} ${info.queueId}`;
  return info.queueOffset === undefined ? head : `${head} ${info.queueOffset}`;
}

/** @throws ProtocolError `PROTOCOL_INVALID_FIELD` when the handle is malformed, `PROTOCOL_LIMIT` when it is too long. */
export function decodePopExtraInfo(text: string): PopExtraInfo {
  if (text.length > POP_EXTRA_INFO_MAX_LENGTH) {
    throw new ProtocolError(
      'PROTOCOL_LIMIT',
      `the extraInfo has ${text.length} characters, at most ${POP_EXTRA_INFO_MAX_LENGTH} are allowed`,
    );
  }
  const parts = text.split(' ');
  if (parts.length < 7) throw popInfoError('extraInfo', text, `has ${parts.length} parts instead of 7 or 8`);
  const retry = parts[4];
  if (!isPopRetryFlag(retry)) throw popInfoError('extraInfo', text, `has the unknown retry flag ${retry.slice(0, 20)}`);
  if (parts[5] === '') throw popInfoError('extraInfo', text, 'has no broker name');
  const queueOffset = parts.length > 7 ? popInteger(parts[7], 'extraInfo', text) : undefined;
  return {
    ckQueueOffset: popInteger(parts[0], 'extraInfo', text),
    popTime: popInteger(parts[1], 'extraInfo', text),
    invisibleTime: popInteger(parts[2], 'extraInfo', text),
    reviveQid: popInteger(parts[3], 'extraInfo', text),
    retry,
    brokerName: parts[5],
    queueId: popInteger(parts[6], 'extraInfo', text),
    ...(queueOffset === undefined ? {} : { queueOffset }),
  };
}
