import { decodeMessages, getTags, type MessageExt, TRANS_HALF_TOPIC, TRANS_OP_HALF_TOPIC } from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import { READ_BATCH_MESSAGES } from './defaults.js';
import type { HalfMarks } from './half-marks.js';
import { markedOffsets, REMOVE_TAG } from './op-batch.js';

/** Some messages of a queue, and the offset behind what was looked at; the same offset as asked for at the end of the queue. */
export interface ReadMessages {
  readonly messages: readonly MessageExt[];
  readonly records: readonly Buffer[];
  readonly nextOffset: number;
}

/** Reads the half and the op queues, each message with its record. */
export class TransactionReader {
  constructor(private readonly store: MessageStore) {}

  /** Where a pass over the half queue ends that begins now. */
  endOfHalves(queueId: number): number {
    return this.store.maxOffset(TRANS_HALF_TOPIC, queueId);
  }

  halves(queueId: number, queueOffset: number): Promise<ReadMessages> {
    return this.read(TRANS_HALF_TOPIC, queueId, queueOffset);
  }

  /** Notes in `marks` every half message that the op queue, from an offset on, says is ended. */
  async mark(queueId: number, opOffset: number, marks: HalfMarks): Promise<void> {
    for (let at = opOffset; ;) {
      const { messages, nextOffset } = await this.read(TRANS_OP_HALF_TOPIC, queueId, at);
      for (const message of messages) for (const offset of marksOf(message)) marks.add(offset);
      if (nextOffset <= at) return;
      at = nextOffset;
    }
  }

  /** The first op message, from an offset on, that tells of a half message at or behind `halfOffset`: those before it have done their work. */
  async firstNeeded(queueId: number, opOffset: number, halfOffset: number): Promise<number> {
    for (let at = opOffset; ;) {
      const { messages, nextOffset } = await this.read(TRANS_OP_HALF_TOPIC, queueId, at);
      for (const message of messages) {
        for (const offset of marksOf(message)) if (offset >= halfOffset) return message.queueOffset;
      }
      if (nextOffset <= at) return at;
      at = nextOffset;
    }
  }

  private async read(topic: string, queueId: number, queueOffset: number): Promise<ReadMessages> {
    const result = await this.store.getMessage({ topic, queueId, queueOffset, maxMessages: READ_BATCH_MESSAGES });
    if (result.messageCount === 0) {
      // Files were deleted, or the offset comes from another store: go on where the queue has messages.
      const isGap = result.nextBeginOffset > queueOffset && result.nextBeginOffset < result.maxOffset;
      return { messages: [], records: [], nextOffset: isGap ? result.nextBeginOffset : queueOffset };
    }
    const bytes = Buffer.concat(result.records);
    const messages = decodeMessages(bytes, { inflate: false });
    let end = 0;
    const records = messages.map(({ storeSize }) => bytes.subarray(end, (end += storeSize)));
    return { messages, records, nextOffset: result.nextBeginOffset };
  }
}

function marksOf(message: MessageExt): Iterable<number> {
  return getTags(message) === REMOVE_TAG ? markedOffsets(message.body) : [];
}
