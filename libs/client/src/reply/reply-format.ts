import { MessageConst, type MessageExt } from '@rocknest/client-core';

/** User property of a reply whose body is an error as JSON, instead of what the handler returned. */
export const REPLY_ERROR_PROPERTY = 'rocknestReplyError';

/** True for a message whose sender waits for a reply. */
export function isRequest({ properties }: MessageExt): boolean {
  return (
    properties[MessageConst.MESSAGE_REPLY_TO_CLIENT] !== undefined &&
    properties[MessageConst.CORRELATION_ID] !== undefined
  );
}
