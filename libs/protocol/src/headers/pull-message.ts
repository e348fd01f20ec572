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

/** The names by length * 256 + first letter. */
const NAME_BY_KEY = new Map<number, string>(NAMES.map((name) => [name.length * 256 + name.charCodeAt(0), name]));

/** Decodes a pull; all properties are always there. */
export function decodePullMessageRequest(command: RemotingCommand): PullMessageRequest {
  const count = command.indexRawFields();
  return count < 0 ? decodeByName(command) : decodeIndexed(command, count);
}

/** One pass over the fields of a raw header; lengths and first letters tell the names apart. */
function decodeIndexed(command: RemotingCommand, count: number): PullMessageRequest {
  const raw = command.rawHeader;
  let consumerGroup = '';
  let topic = '';
  let queueId = NaN;
  let queueOffset = NaN;
  let maxMsgNums = NaN;
  let sysFlag = NaN;
  let commitOffset = 0;
  let suspendTimeoutMillis = 0;
  let subscription: string | undefined;
  let subVersion = 0;
  let expressionType: string | undefined;
  let maxMsgBytes: number | undefined;
  for (let i = 0; i < count; i++) {
    const start = keyStartOf(i);
    const length = keyEndOf(i) - start;
    // Length and first letter name at most one field; the comparison guards against names that RocketMQ may add.
    const which = length * 256 + raw[start];
    if (!equalsAscii(raw, start, NAME_BY_KEY.get(which) ?? '')) continue;
    switch (which) {
      case 13 * 256 + 0x63:
        consumerGroup = command.textAt(i);
        break;
      case 5 * 256 + 0x74:
        topic = command.textAt(i);
        break;
      case 7 * 256 + 0x71:
        queueId = command.integerAt(i);
        break;
      case 11 * 256 + 0x71:
        queueOffset = command.integerAt(i);
        break;
      case 10 * 256 + 0x6d:
        maxMsgNums = command.integerAt(i);
        break;
      case 7 * 256 + 0x73:
        sysFlag = command.integerAt(i);
        break;
      case 12 * 256 + 0x63:
        commitOffset = command.integerAt(i);
        break;
      case 20 * 256 + 0x73:
        suspendTimeoutMillis = command.integerAt(i);
        break;
      case 12 * 256 + 0x73:
        subscription = command.textAt(i);
        break;
      case 10 * 256 + 0x73:
        subVersion = command.integerAt(i);
        break;
      case 14 * 256 + 0x65:
        expressionType = command.textAt(i);
        break;
      case 11 * 256 + 0x6d:
        maxMsgBytes = command.integerAt(i);
        break;
      default:
    }
  }
  const valid =
    consumerGroup !== '' &&
    topic !== '' &&
    (queueId | 0) === queueId &&
    !Number.isNaN(queueOffset) &&
    (maxMsgNums | 0) === maxMsgNums &&
    (sysFlag | 0) === sysFlag &&
    !Number.isNaN(commitOffset) &&
    !Number.isNaN(suspendTimeoutMillis) &&
    !Number.isNaN(subVersion) &&
    (maxMsgBytes === undefined || (maxMsgBytes | 0) === maxMsgBytes);
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
    subscription,
    subVersion,
    expressionType,
    maxMsgBytes,
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
