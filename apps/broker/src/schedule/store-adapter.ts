import {
  bodyPosition,
  decodeMessage,
  encodeHost,
  getTags,
  MessageConst,
  type MessageExt,
  MessageLayout,
  SCHEDULE_TOPIC,
  tagsCodeOf,
  TRANS_HALF_TOPIC,
  topicLengthBytes,
} from '@rocknest/protocol';
import type { MessageStore, PutMessage, PutStatus } from '@rocknest/store';
import type { DelayedMessageReader, DelayedMessageSink } from './ports.js';

/** Statuses with which a message is in the log. */
const STORED: ReadonlySet<PutStatus> = new Set([
  'PUT_OK',
  'FLUSH_DISK_TIMEOUT',
  'FLUSH_SLAVE_TIMEOUT',
  'SLAVE_NOT_AVAILABLE',
]);

/** Reads the queues of SCHEDULE_TOPIC_XXXX: queue ids are levels less 1, the tags code of an entry is its due time. */
export function delayedMessageReader(store: MessageStore): DelayedMessageReader {
  return {
    minOffset: (level) => store.minOffset(SCHEDULE_TOPIC, level - 1),
    maxOffset: (level) => store.maxOffset(SCHEDULE_TOPIC, level - 1),
    entry: async (level, queueOffset) => {
      const entry = await store.cqEntry(SCHEDULE_TOPIC, level - 1, queueOffset);
      return entry && { physicalOffset: entry.physicalOffset, deliverTimestamp: entry.tagsCode };
    },
    record: (physicalOffset) => store.messageByPhysicalOffset(physicalOffset),
  };
}

/**
 * Puts a delayed message where it was meant to go. The text of its properties stays as it was stored, DELAY included, as
 * consumers of RocketMQ see it.
 *
 * @param onDropped told of a message that can never be delivered (no destination, or the half topic of transactions).
 */
export function delayedMessageSink(
  store: MessageStore,
  onDropped: (message: MessageExt, reason: string) => void,
): DelayedMessageSink {
  return {
    deliver: (record) => {
      const message = decodeMessage(record, 0, { inflate: false });
      const topic = message.properties[MessageConst.REAL_TOPIC];
      const queueId = Number(message.properties[MessageConst.REAL_QUEUE_ID]);
      if (topic === undefined || !Number.isInteger(queueId) || queueId < 0) {
        onDropped(message, 'it has no REAL_TOPIC and REAL_QID');
        return Promise.resolve(true);
      }
      if (topic === TRANS_HALF_TOPIC) {
        onDropped(message, `its destination is ${topic}`);
        return Promise.resolve(true);
      }
      return new Promise((resolve) => {
        store.putMessage(toPut(message, record, topic, queueId), (result) => {
          // Tried again for ever, one such message would hold up its whole level.
          const isHopeless = result.status === 'MESSAGE_ILLEGAL' || result.status === 'PROPERTIES_SIZE_EXCEEDED';
          if (isHopeless) onDropped(message, result.reason ?? result.status);
          resolve(isHopeless || STORED.has(result.status));
        });
      });
    },
  };
}

/** Born time and host, and how often it came, are kept; nobody waits, so no flush is waited for. */
function toPut(message: MessageExt, record: Buffer, topic: string, queueId: number): PutMessage {
  return {
    topic,
    queueId,
    flag: message.flag,
    sysFlag: message.sysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: encodeHost(message.bornHost),
    reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset,
    body: message.body,
    properties: propertyBytes(message, record),
    tagsCode: tagsCodeOf(getTags(message)),
    waitStoreOk: false,
  };
}

/** The property text as it was stored: what a sender wrote into it need not be what our encoder takes. */
function propertyBytes(message: MessageExt, record: Buffer): Buffer {
  const topicBytes = topicLengthBytes(record.readInt32BE(MessageLayout.MAGIC)) + Buffer.byteLength(message.topic);
  return record.subarray(bodyPosition(message.sysFlag) + message.body.length + topicBytes + 2, message.storeSize);
}
