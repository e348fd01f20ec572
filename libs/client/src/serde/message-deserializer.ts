import { isUtf8 } from 'node:buffer';
import type { MessageExt } from '@rocknest/client-core';
import { invalidOption, RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import { BODY_FORMAT_PROPERTY, isBodyFormat, type BodyFormat } from './body-format.js';

/** Makes the payload that a handler gets of a message. Give your own as `deserializer` (Avro, Protobuf, ...). */
export interface MessageDeserializer {
  /**
   * The payload, or a promise of it.
   *
   * @throws anything: the message is not acknowledged and comes again, as if the handler had failed.
   */
  deserialize(message: MessageExt): unknown;
}

type Read = (message: MessageExt) => unknown;

function unreadable(message: MessageExt, reason: string, cause?: unknown): RocketMQPluginError {
  return new RocketMQPluginError(
    RocketMQPluginErrorCode.DESERIALIZE,
    `the body (${message.body.length} bytes) of message ${message.msgId} of topic "${message.topic}" ${reason}`,
    { cause, details: { topic: message.topic, msgId: message.msgId, sizeBytes: message.body.length } },
  );
}

const readBytes: Read = (message) => message.body;

const readText: Read = (message) => {
  if (!isUtf8(message.body)) throw unreadable(message, 'is not UTF-8 text');
  return message.body.toString('utf8');
};

const readJson: Read = (message) => {
  const text = readText(message) as string;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw unreadable(message, `is not JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
};

/** First characters of a JSON text: blank, `"`, `-`, digit, `[`, `{`, and those of `true`, `false`, `null`. */
const JSON_START = new Uint8Array(256);
for (const character of ' \t\r\n"-0123456789[{tfn') JSON_START[character.charCodeAt(0)] = 1;

const readUnmarked: Read = ({ body }) => {
  if (body.length === 0) return '';
  if (!isUtf8(body)) return body;
  const text = body.toString('utf8');
  // Most texts that are not JSON show it by their first character, and an exception costs more than a look at it.
  if (JSON_START[body[0]] === 1) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  return text;
};

const READERS: Readonly<Record<Exclude<BodyFormat, 'auto'>, Read>> = {
  json: readJson,
  text: readText,
  bytes: readBytes,
};

const readAuto: Read = (message) => {
  const mark = message.properties[BODY_FORMAT_PROPERTY];
  if (mark === undefined) return readUnmarked(message);
  if (!isBodyFormat(mark) || mark === 'auto') {
    throw unreadable(
      message,
      `is marked as "${mark}" by property ${BODY_FORMAT_PROPERTY}; known are json, text and bytes`,
    );
  }
  return READERS[mark](message);
};

/** Reads a body in one of the built-in formats; see `BodyFormat` for the rules. */
export class DefaultMessageDeserializer implements MessageDeserializer {
  readonly deserialize: Read;

  constructor(format: BodyFormat = 'auto') {
    if (!isBodyFormat(format)) {
      throw invalidOption(
        `deserializer is "${String(format)}", must be auto, json, text, bytes or an object with deserialize()`,
      );
    }
    this.deserialize = format === 'auto' ? readAuto : READERS[format];
  }
}

/** The reader that an option asks for. */
export function resolveDeserializer(option: BodyFormat | MessageDeserializer | undefined): MessageDeserializer {
  if (typeof option === 'object' && option !== null) {
    if (typeof option.deserialize !== 'function')
      throw invalidOption('deserializer is an object without a method deserialize()');
    return option;
  }
  return new DefaultMessageDeserializer(option);
}
