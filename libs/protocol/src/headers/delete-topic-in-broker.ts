import { defineHeader, text } from './header-codec.js';

/**
 * DELETE_TOPIC_IN_BROKER (215): Deletes a topic on one broker. No body, no response fields.
 *
 * Follows `remoting/protocol/header/DeleteTopicRequestHeader.java`.
 */
export interface DeleteTopicInBrokerRequest {
  topic: string;
}

const requestCodec = defineHeader<DeleteTopicInBrokerRequest>({
  topic: text,
});

export const decodeDeleteTopicInBrokerRequest = requestCodec.decode;
export const encodeDeleteTopicInBrokerRequest = requestCodec.encode;
