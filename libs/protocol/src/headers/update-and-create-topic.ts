import { boolOr, defineHeader, int32, int32Or, optionalText, text, textOrEmpty } from './header-codec.js';

/**
 * UPDATE_AND_CREATE_TOPIC (17): Creates a topic or changes it. No body, no response fields.
 *
 * Follows `remoting/protocol/header/CreateTopicRequestHeader.java`.
 */
export interface UpdateAndCreateTopicRequest {
  topic: string;
  defaultTopic: string;
  readQueueNums: number;
  writeQueueNums: number;
  /** Bits of `PermName`. */
  perm: number;
  /** SINGLE_TAG or MULTI_TAG. */
  topicFilterType: string;
  topicSysFlag: number;
  order: boolean;
  /** `+key=value,-key` list. */
  attributes?: string | undefined;
  force: boolean;
}

const requestCodec = defineHeader<UpdateAndCreateTopicRequest>({
  topic: text,
  defaultTopic: textOrEmpty,
  readQueueNums: int32,
  writeQueueNums: int32,
  perm: int32,
  topicFilterType: textOrEmpty,
  topicSysFlag: int32Or(0),
  order: boolOr(false),
  attributes: optionalText,
  force: boolOr(false),
});

export const decodeUpdateAndCreateTopicRequest = requestCodec.decode;
export const encodeUpdateAndCreateTopicRequest = requestCodec.encode;
