import { defineHeader, optionalText, text } from './header-codec.js';

/**
 * DELETE_TOPIC_IN_NAMESRV (216): Removes a topic from the routes. No body, no response fields.
 *
 * Follows `remoting/protocol/header/namesrv/DeleteTopicFromNamesrvRequestHeader.java`.
 */
export interface DeleteTopicInNamesrvRequest {
  topic: string;
  /** Given: only brokers of this cluster lose the topic. */
  clusterName?: string | undefined;
}

const requestCodec = defineHeader<DeleteTopicInNamesrvRequest>({
  topic: text,
  clusterName: optionalText,
});

export const decodeDeleteTopicInNamesrvRequest = requestCodec.decode;
export const encodeDeleteTopicInNamesrvRequest = requestCodec.encode;
