import { defineHeader, optionalText, text } from './header-codec.js';

/**
 * RESUME_CHECK_HALF_MESSAGE (323): a half message that was set aside is to be asked about again. No body.
 *
 * Follows `remoting/protocol/header/ResumeCheckHalfMessageRequestHeader.java`.
 */
export interface ResumeCheckHalfMessageRequest {
  topic?: string | undefined;
  /** Offset message id of the message in TRANS_CHECK_MAX_TIME_TOPIC. */
  msgId: string;
}

const requestCodec = defineHeader<ResumeCheckHalfMessageRequest>({
  topic: optionalText,
  msgId: text,
});

export const decodeResumeCheckHalfMessageRequest = requestCodec.decode;
export const encodeResumeCheckHalfMessageRequest = requestCodec.encode;
