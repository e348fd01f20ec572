import { equalsAscii } from '../command/scanned-header.js';
import { keyEndOf, keyStartOf } from '../command/field-index.js';
import type { HeaderFields, RemotingCommand } from '../command/remoting-command.js';
import {
  defineHeader,
  int32OrUndefined,
  int64,
  int64OrUndefined,
  optionalInt32,
  optionalInt64,
  requiredInt32,
  requiredInt64,
  requiredText,
} from './header-codec.js';

/**
 * PULL_MESSAGE (11) and LITE_PULL_MESSAGE (361). No request body; response body = stored records one after another.
 *
 * Follows `remoting/protocol/header/PullMessageRequestHeader.java`.
 */
export interface PullMessageRequest {
  consumerGroup: string;
  topic: string;
  queueId: number;
  queueOffset: number;
  maxMsgNums: number;
  /** Bits of `PullSysFlag`. */
  sysFlag: number;
  /** Offset to commit when the sysFlag says so. */
  commitOffset: number;
  /** How long the broker may hold the request when there is nothing. */
  suspendTimeoutMillis: number;
  /** Filter expression, when the sysFlag says that it is given. */
  subscription: string | undefined;
  subVersion: number;
  /** TAG or SQL92. */
  expressionType: string | undefined;
  /** Limit of the response body, 5.x clients. */
  maxMsgBytes: number | undefined;
}

const NAMES = [
  'consumerGroup',
  'topic',
  'queueId',
  'queueOffset',
  'maxMsgNums',
  'sysFlag',
  'commitOffset',
  'suspendTimeoutMillis',
  'subscription',
  'subVersion',
  'expressionType',
  'maxMsgBytes',
] as const;

/** Fields that are text, in the order in which `texts` holds them. */
const TEXTS: readonly string[] = ['consumerGroup', 'topic', 'subscription', 'expressionType'];
const texts: (string | undefined)[] = TEXTS.map(() => undefined);

/** The fields that are numbers, in the order of `numbers`, and what stands there for one that is not given. */
const NOT_GIVEN = Infinity;
const NUMBERS: readonly (readonly [name: string, absent: number])[] = [
  ['queueId', NaN],
  ['queueOffset', NaN],
  ['maxMsgNums', NaN],
  ['sysFlag', NaN],
  ['commitOffset', 0],
  ['suspendTimeoutMillis', 0],
  ['subVersion', 0],
  ['maxMsgBytes', NOT_GIVEN],
];
const absentNumbers = Float64Array.from(NUMBERS, ([, absent]) => absent);
const numbers = new Float64Array(NUMBERS.length);

interface FieldPlace {
  readonly name: string;
  readonly isText: boolean;
  readonly at: number;
}

/** By length * 256 + first letter, which name one field at most. */
const PLACES = new Map<number, FieldPlace>(
  NAMES.map((name) => {
    const isText = TEXTS.includes(name);
    const at = isText ? TEXTS.indexOf(name) : NUMBERS.findIndex(([number]) => number === name);
    return [name.length * 256 + name.charCodeAt(0), { name, isText, at }];
  }),
);

/** Decodes a pull; all properties are always there. */
export function decodePullMessageRequest(command: RemotingCommand): PullMessageRequest {
  const count = command.indexRawFields();
  return count < 0 ? decodeByName(command) : decodeIndexed(command, count);
}

/** One pass over the fields of a raw header. One place reads texts and one numbers, as V8 puts a copy of what is called there into each. */
function decodeIndexed(command: RemotingCommand, count: number): PullMessageRequest {
  const raw = command.rawHeader;
  texts.fill(undefined);
  numbers.set(absentNumbers);
  for (let i = 0; i < count; i++) {
    const start = keyStartOf(i);
    const place = PLACES.get((keyEndOf(i) - start) * 256 + raw[start]);
    // Another name may have the same length and first letter: RocketMQ may add fields.
    if (place === undefined || !equalsAscii(raw, start, place.name)) continue;
    if (place.isText) texts[place.at] = command.textAt(i);
    else numbers[place.at] = command.integerAt(i);
  }
  const consumerGroup = texts[0];
  const topic = texts[1];
  const queueId = numbers[0];
  const queueOffset = numbers[1];
  const maxMsgNums = numbers[2];
  const sysFlag = numbers[3];
  const commitOffset = numbers[4];
  const suspendTimeoutMillis = numbers[5];
  const subVersion = numbers[6];
  const maxMsgBytes = numbers[7];
  const valid =
    consumerGroup !== undefined &&
    consumerGroup !== '' &&
    topic !== undefined &&
    topic !== '' &&
    (queueId | 0) === queueId &&
    !Number.isNaN(queueOffset) &&
    (maxMsgNums | 0) === maxMsgNums &&
    (sysFlag | 0) === sysFlag &&
    !Number.isNaN(commitOffset) &&
    !Number.isNaN(suspendTimeoutMillis) &&
    !Number.isNaN(subVersion) &&
    (maxMsgBytes === NOT_GIVEN || (maxMsgBytes | 0) === maxMsgBytes);
  if (!valid) return decodeByName(command);
  return {
    consumerGroup,
    topic,
    queueId,
    queueOffset,
    maxMsgNums,
    sysFlag,
    commitOffset,
    suspendTimeoutMillis,
    subscription: texts[2],
    subVersion,
    expressionType: texts[3],
    maxMsgBytes: maxMsgBytes === NOT_GIVEN ? undefined : maxMsgBytes,
  };
}

function decodeByName(command: RemotingCommand): PullMessageRequest {
  return {
    consumerGroup: requiredText(command, 'consumerGroup'),
    topic: requiredText(command, 'topic'),
    queueId: requiredInt32(command, 'queueId'),
    queueOffset: requiredInt64(command, 'queueOffset'),
    maxMsgNums: requiredInt32(command, 'maxMsgNums'),
    sysFlag: requiredInt32(command, 'sysFlag'),
    commitOffset: int64OrUndefined(command, 'commitOffset') ?? 0,
    suspendTimeoutMillis: int64OrUndefined(command, 'suspendTimeoutMillis') ?? 0,
    subscription: command.field('subscription'),
    subVersion: int64OrUndefined(command, 'subVersion') ?? 0,
    expressionType: command.field('expressionType'),
    maxMsgBytes: int32OrUndefined(command, 'maxMsgBytes'),
  };
}

export function encodePullMessageRequest(header: PullMessageRequest): HeaderFields {
  const fields: HeaderFields = {};
  for (const name of NAMES) fields[name] = header[name];
  return fields;
}

/**
 * Response to a pull: 0 FOUND, 19 nothing new, 20 nothing that matches, 21 offset out of range.
 *
 * Follows `remoting/protocol/header/PullMessageResponseHeader.java`.
 */
export interface PullMessageResponse {
  /** Broker id to pull from next. */
  suggestWhichBrokerId: number;
  nextBeginOffset: number;
  minOffset: number;
  maxOffset: number;
  offsetDelta?: number | undefined;
  topicSysFlag?: number | undefined;
  groupSysFlag?: number | undefined;
  forbiddenType?: number | undefined;
}

const responseCodec = defineHeader<PullMessageResponse>({
  suggestWhichBrokerId: int64,
  nextBeginOffset: int64,
  minOffset: int64,
  maxOffset: int64,
  offsetDelta: optionalInt64,
  topicSysFlag: optionalInt32,
  groupSysFlag: optionalInt32,
  forbiddenType: optionalInt32,
});

export const decodePullMessageResponse = responseCodec.decode;
export const encodePullMessageResponse = responseCodec.encode;
