/**
 * Limits of the wire formats. They guard memory against hostile or broken peers, so they are constants rather than
 * settings: a peer that needs more breaks RocketMQ's own limits.
 */

/** Largest frame in bytes, its 4 length bytes included (RocketMQ's `com.rocketmq.remoting.frameMaxLength`). */
export const FRAME_MAX_LENGTH = 16_777_216;

/** Largest header of a frame in bytes. Properties are at most 32 KiB (six times that escaped); topic lists of admin calls are longer. */
export const HEADER_MAX_BYTES = 4_194_304;

/** Most entries in `extFields`. The largest header of RocketMQ has about 20. */
export const EXT_FIELDS_MAX = 1024;

/** Deepest nesting of JSON in headers and bodies. RocketMQ's deepest body nests 7 levels. */
export const JSON_DEPTH_MAX = 64;

/** Most values (members, elements, scalars) in one JSON body; 16 MiB of `0,` would be 8 million. */
export const JSON_VALUES_MAX = 2_000_000;

/** Most bytes of a property block: its length travels as an int16. */
export const PROPERTIES_MAX_BYTES = 32_767;

/** Most bytes of a topic in a V1 record (its length is a signed byte) and of any topic (`%RETRY%` and `%DLQ%` topics). */
export const TOPIC_MAX_BYTES = 127;
export const RETRY_TOPIC_MAX_BYTES = 255;

/** Most characters of a group name; retry topics of POP append a topic to it. */
export const GROUP_MAX_LENGTH = 120;

/** Most messages in one batch body. A batch of 4 MiB of empty messages has about 190,000; clients send a few thousand at most. */
export const BATCH_MESSAGES_MAX = 65_536;

/** Largest body after inflating a compressed message: eight times the default `maxMessageSize` of 4 MiB. */
export const INFLATED_BODY_MAX_BYTES = 33_554_432;

/** Largest inflated RegisterBrokerBody: 100,000 topics of about 300 bytes. */
export const INFLATED_REGISTER_BODY_MAX_BYTES = 67_108_864;
