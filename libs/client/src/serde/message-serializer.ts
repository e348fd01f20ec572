import { RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import { BODY_FORMAT_PROPERTY } from './body-format.js';

/** A payload as bytes, with the user properties that the reader needs. */
export interface SerializedBody {
  body: Buffer | string;
  properties?: Readonly<Record<string, string>>;
}

/** Makes bytes of the payload of an outgoing message. Give your own as `serializer` (Avro, Protobuf, ...). */
export interface MessageSerializer {
  serialize(payload: unknown, message: { topic: string }): SerializedBody | Promise<SerializedBody>;
}

const TEXT = Object.freeze({ [BODY_FORMAT_PROPERTY]: 'text' });
const BYTES = Object.freeze({ [BODY_FORMAT_PROPERTY]: 'bytes' });

/**
 * The default. A string goes out as its UTF-8 text and bytes as they are, both marked by `rocknestBody`, so that they arrive as
 * what they were; everything else goes out as JSON, without a mark.
 *
 * @throws RocketMQPluginError SERIALIZE for `undefined`, functions, symbols, cycles and bigints.
 */
export class DefaultMessageSerializer implements MessageSerializer {
  serialize(payload: unknown, message: { topic: string }): SerializedBody {
    if (typeof payload === 'string') return { body: payload, properties: TEXT };
    if (Buffer.isBuffer(payload)) return { body: payload, properties: BYTES };
    if (payload instanceof Uint8Array) {
      return { body: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength), properties: BYTES };
    }
    let text: string | undefined;
    let cause: unknown;
    try {
      text = JSON.stringify(payload);
    } catch (error) {
      cause = error;
    }
    if (text !== undefined) return { body: text };
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : `it is ${typeof payload}`;
    throw new RocketMQPluginError(
      RocketMQPluginErrorCode.SERIALIZE,
      `the payload for topic "${message.topic}" has no JSON form: ${reason}. Send what JSON.stringify takes, a string, bytes, or configure a serializer`,
      { cause, details: { topic: message.topic } },
    );
  }
}
