import { defineHeader, text } from './header-codec.js';

/**
 * REGISTER_TOPIC_IN_NAMESRV (217): Registers the queues of a topic: request body `TopicRouteData`. No response fields.
 *
 * Follows `remoting/protocol/header/namesrv/RegisterTopicRequestHeader.java`.
 */
export interface RegisterTopicInNamesrvRequest {
  topic: string;
}

const requestCodec = defineHeader<RegisterTopicInNamesrvRequest>({
  topic: text,
});

export const decodeRegisterTopicInNamesrvRequest = requestCodec.decode;
export const encodeRegisterTopicInNamesrvRequest = requestCodec.encode;
