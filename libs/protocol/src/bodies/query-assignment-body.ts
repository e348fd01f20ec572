import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { arrayOf, asObject, objectOf, requiredStringOf, stringOf, stringTableOf } from '../json/json-value.js';
import type { MessageQueue } from '../message/message-queue.js';
import { type MessageRequestMode, messageRequestModeOf } from './message-request-mode.js';
import { readMessageQueue, writeMessageQueue } from './message-queue-json.js';

/** The body of QUERY_ASSIGNMENT (400). Source: `remoting/protocol/body/QueryAssignmentRequestBody.java`. */
export interface QueryAssignmentRequestBody {
  topic: string;
  consumerGroup: string;
  clientId: string;
  /** `AVG` or `AVG_BY_CIRCLE`. */
  strategyName: string;
  /** `CLUSTERING` or `BROADCASTING`. */
  messageModel: string;
}

/** A queue that a member got. Source: `common/message/MessageQueueAssignment.java`. */
export interface MessageQueueAssignment {
  /** Its queue id is -1 when the member may pop any queue of that broker. */
  messageQueue: MessageQueue;
  mode: MessageRequestMode;
  attachments?: Readonly<Record<string, string>> | undefined;
}

/** Source: `remoting/protocol/body/QueryAssignmentResponseBody.java`. */
export interface QueryAssignmentResponseBody {
  /** Empty: the member has no queues. Undefined: nothing could be found out, keep what there is. */
  messageQueueAssignments: readonly MessageQueueAssignment[] | undefined;
}

export function decodeQueryAssignmentRequestBody(body: Buffer | string): QueryAssignmentRequestBody {
  const object = asObject(parseFastjson(body), 'a query of an assignment');
  return {
    topic: requiredStringOf(object, 'topic', 'a query of an assignment'),
    consumerGroup: requiredStringOf(object, 'consumerGroup', 'a query of an assignment'),
    clientId: requiredStringOf(object, 'clientId', 'a query of an assignment'),
    strategyName: stringOf(object, 'strategyName', ''),
    messageModel: stringOf(object, 'messageModel', 'CLUSTERING'),
  };
}

export function encodeQueryAssignmentRequestBody(body: QueryAssignmentRequestBody): Buffer {
  return encodeFastjson(body);
}

export function decodeQueryAssignmentResponseBody(body: Buffer | string): QueryAssignmentResponseBody {
  const object = asObject(parseFastjson(body), 'an assignment');
  if (object['messageQueueAssignments'] == null) return { messageQueueAssignments: undefined };
  return { messageQueueAssignments: arrayOf(object, 'messageQueueAssignments').map(readAssignment) };
}

export function encodeQueryAssignmentResponseBody(body: QueryAssignmentResponseBody): Buffer {
  return encodeFastjson({
    messageQueueAssignments: body.messageQueueAssignments?.map(({ messageQueue, mode, attachments }) => ({
      messageQueue: writeMessageQueue(messageQueue),
      mode,
      attachments,
    })),
  });
}

function readAssignment(value: unknown): MessageQueueAssignment {
  const object = asObject(value, 'an assignment');
  const attachments =
    objectOf(object, 'attachments') === undefined ? {} : { attachments: stringTableOf(object, 'attachments') };
  return {
    messageQueue: readMessageQueue(object['messageQueue']),
    mode: messageRequestModeOf(stringOf(object, 'mode', 'PULL')),
    ...attachments,
  };
}
