import { ProtocolError } from '../errors.js';
import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { asObject, integerOf, objectOf, requiredStringOf, stringOf, type JsonObject } from '../json/json-value.js';

/** How the members of a group get a topic's messages. Source: `common/message/MessageRequestMode.java`. */
export type MessageRequestMode = 'PULL' | 'POP';

/** The body of SET_MESSAGE_REQUEST_MODE (401). Source: `remoting/protocol/body/SetMessageRequestModeRequestBody.java`. */
export interface SetMessageRequestModeRequestBody {
  topic: string;
  consumerGroup: string;
  mode: MessageRequestMode;
  /** With POP: a member also gets the queues of so many members behind it. Up to 0: every member gets all queues. */
  popShareQueueNum: number;
}

export function decodeSetMessageRequestModeRequestBody(body: Buffer | string): SetMessageRequestModeRequestBody {
  return readMode(asObject(parseFastjson(body), 'a request mode'));
}

export function encodeSetMessageRequestModeRequestBody(body: SetMessageRequestModeRequestBody): Buffer {
  return encodeFastjson(body);
}

/** The answer to GET_ALL_MESSAGE_REQUEST_MODE (402), and the content of `messageRequestMode.json`. Source: `MessageRequestModeSerializeWrapper.java`. */
export interface MessageRequestModeTable {
  modes: readonly SetMessageRequestModeRequestBody[];
}

export function decodeMessageRequestModeTable(body: Buffer | string): MessageRequestModeTable {
  const topics = objectOf(asObject(parseFastjson(body), 'a table of request modes'), 'messageRequestModeMap') ?? {};
  const modes: SetMessageRequestModeRequestBody[] = [];
  for (const topic of Object.keys(topics)) {
    const groups = asObject(topics[topic], topic);
    for (const group of Object.keys(groups)) modes.push(readMode(asObject(groups[group], group)));
  }
  return { modes };
}

export function encodeMessageRequestModeTable({ modes }: MessageRequestModeTable): Buffer {
  const topics = new Map<string, Map<string, SetMessageRequestModeRequestBody>>();
  for (const mode of modes) {
    const groups = topics.get(mode.topic) ?? new Map<string, SetMessageRequestModeRequestBody>();
    topics.set(mode.topic, groups.set(mode.consumerGroup, mode));
  }
  return encodeFastjson({ messageRequestModeMap: topics });
}

/** @throws ProtocolError `PROTOCOL_BODY` for any other text. */
export function messageRequestModeOf(text: string): MessageRequestMode {
  if (text === 'PULL' || text === 'POP') return text;
  throw new ProtocolError('PROTOCOL_BODY', `the mode must be PULL or POP, not '${text.slice(0, 20)}'`);
}

function readMode(object: JsonObject): SetMessageRequestModeRequestBody {
  return {
    topic: requiredStringOf(object, 'topic', 'a request mode'),
    consumerGroup: requiredStringOf(object, 'consumerGroup', 'a request mode'),
    mode: messageRequestModeOf(stringOf(object, 'mode', 'PULL')),
    popShareQueueNum: integerOf(object, 'popShareQueueNum', 0),
  };
}
