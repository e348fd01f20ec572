import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { arrayOf, asObject, integerOf } from '../json/json-value.js';
import type { MessageQueue } from '../message/message-queue.js';
import { readMessageQueue, writeMessageQueue } from './message-queue-json.js';

/** Times of one queue, milliseconds since 1970. Source: `remoting/protocol/body/QueueTimeSpan.java`. */
export interface QueueTimeSpan {
  messageQueue: MessageQueue;
  /** Of the oldest message. */
  minTimeStamp: number;
  /** Of the newest message. */
  maxTimeStamp: number;
  /** Of the message that the group consumed last. */
  consumeTimeStamp: number;
  /** How long the next message has waited, ms; 0 when the group is at the end. */
  delayTime: number;
}

/** The answer to QUERY_CONSUME_TIME_SPAN. Source: `remoting/protocol/body/QueryConsumeTimeSpanBody.java`. */
export interface ConsumeTimeSpans {
  consumeTimeSpanSet: QueueTimeSpan[];
}

export function decodeConsumeTimeSpans(body: Buffer | string): ConsumeTimeSpans {
  const object = asObject(parseFastjson(body), 'time spans');
  return {
    consumeTimeSpanSet: arrayOf(object, 'consumeTimeSpanSet').map((value) => {
      const span = asObject(value, 'a time span');
      return {
        messageQueue: readMessageQueue(span['messageQueue']),
        minTimeStamp: integerOf(span, 'minTimeStamp', 0),
        maxTimeStamp: integerOf(span, 'maxTimeStamp', 0),
        consumeTimeStamp: integerOf(span, 'consumeTimeStamp', 0),
        delayTime: integerOf(span, 'delayTime', 0),
      };
    }),
  };
}

export function encodeConsumeTimeSpans({ consumeTimeSpanSet }: ConsumeTimeSpans): Buffer {
  return encodeFastjson({
    consumeTimeSpanSet: consumeTimeSpanSet.map((span) => ({
      ...span,
      messageQueue: writeMessageQueue(span.messageQueue),
    })),
  });
}
