import { boolOr, defineHeader, optionalText, text } from './header-codec.js';

/**
 * CLONE_GROUP_OFFSET (314): Gives a group the offsets of another one. No body, no response fields.
 *
 * Follows `remoting/protocol/header/CloneGroupOffsetRequestHeader.java`.
 */
export interface CloneGroupOffsetRequest {
  srcGroup: string;
  destGroup: string;
  /** Absent: all topics in which the source has offsets. */
  topic?: string | undefined;
  /** False: topics that the members of the source, when some are online, do not subscribe are left out. */
  offline: boolean;
}

const requestCodec = defineHeader<CloneGroupOffsetRequest>({
  srcGroup: text,
  destGroup: text,
  topic: optionalText,
  offline: boolOr(false),
});

export const decodeCloneGroupOffsetRequest = requestCodec.decode;
export const encodeCloneGroupOffsetRequest = requestCodec.encode;
