import { decodeOffsetMsgId } from '@rocknest/protocol';
import type { FlushDiskType, PutResult } from '../types.js';
import type { LogRecord } from './log-reader.js';
import { parseRecords } from './log-reader.js';
import type { CrashKind } from './sim-crash.js';
import { idOfBody, SimMessage } from './sim-message.js';
import { demand, SimViolation } from './sim-violation.js';

type NewMessage = Pick<
  SimMessage,
  'topic' | 'queueId' | 'bodyBytes' | 'tag' | 'delayLevel' | 'sysFlag' | 'waitStoreOk'
>;

/** What was sent, what was answered, and what the store therefore owes: the truth that it is compared with. */
export class SimModel {
  readonly messages = new Map<number, SimMessage>();
  /** What stands at each queue offset, as far as a producer or a consumer was told. */
  readonly queues = new Map<string, Map<number, SimMessage>>();
  life = 0;
  private ids = 0;

  constructor(private readonly flushDiskType: FlushDiskType) {}

  send(fields: NewMessage): SimMessage {
    const { topic, queueId, bodyBytes, tag, delayLevel, sysFlag, waitStoreOk } = fields;
    const message = new SimMessage(
      ++this.ids,
      topic,
      queueId,
      bodyBytes,
      tag,
      delayLevel,
      sysFlag,
      waitStoreOk,
      this.life,
    );
    this.messages.set(message.id, message);
    return message;
  }

  entries(topic: string, queueId: number): Map<number, SimMessage> {
    const key = `${topic}-${queueId}`;
    let entries = this.queues.get(key);
    if (entries === undefined) {
      entries = new Map<number, SimMessage>();
      this.queues.set(key, entries);
    }
    return entries;
  }

  /** The store answered a put of these messages. */
  answered(messages: readonly SimMessage[], result: PutResult): void {
    for (const message of messages) {
      message.answers++;
      message.status = result.status;
      demand(
        message.answers === 1,
        'answered-once',
        () => `${message.toString()} was answered ${message.answers} times`,
      );
    }
    const isStored = result.status === 'PUT_OK' || result.status === 'FLUSH_DISK_TIMEOUT';
    if (!isStored) {
      demand(result.reason !== undefined, 'refusal-reason', () => `${result.status} without a reason`);
      return;
    }
    demand(
      result.messageCount === messages.length,
      'answer-count',
      () => `${result.messageCount} messages for ${messages.length}`,
    );
    const places = placesOf(result);
    messages.forEach((message, i) => {
      message.queueOffset = result.queueOffset + i;
      message.physicalOffset = places[i];
      message.sizeBytes = (places[i + 1] ?? result.physicalOffset + result.sizeBytes) - places[i];
      message.storeTimestamp = result.storeTimestamp;
      const isStable = this.flushDiskType === 'SYNC_FLUSH' && message.waitStoreOk && result.status === 'PUT_OK';
      message.durability = isStable ? 'stable' : 'process';
      if (!message.hasQueueEntry) return;
      const entries = this.entries(message.topic, message.queueId);
      const other = entries.get(message.queueOffset);
      demand(
        other === undefined,
        'renumbered',
        () => `the offset of ${message.toString()} was given to ${other?.toString() ?? ''} before`,
      );
      entries.set(message.queueOffset, message);
    });
  }

  /** A record that the store showed: it must be a message that was sent, byte for byte. */
  identify(record: LogRecord): SimMessage {
    const id = idOfBody(record.body);
    const message = id === undefined ? undefined : this.messages.get(id);
    const where = `the record at ${record.physicalOffset} (${record.topic}-${record.queueId}@${record.queueOffset})`;
    demand(message !== undefined, 'unknown-message', () => `${where} was never sent`);
    demand(
      record.body.equals(message.body()) && record.properties === message.properties,
      'changed-bytes',
      () =>
        `${where} differs from what was sent as ${message.toString()}: properties ${JSON.stringify(record.properties)} ` +
        `for ${JSON.stringify(message.properties)}, body ${record.body.equals(message.body()) ? 'equal' : 'different'}`,
    );
    demand(
      record.topic === message.topic && record.queueId === message.queueId,
      'wrong-queue',
      () => `${where} was sent as ${message.toString()}`,
    );
    return message;
  }

  /** A consumer got these bytes for a queue. @returns the messages with their records. */
  consumed(topic: string, queueId: number, bytes: Buffer): { message: SimMessage; record: LogRecord }[] {
    let records: LogRecord[];
    try {
      records = parseRecords(bytes);
    } catch (error) {
      throw new SimViolation('unreadable-pull', `${topic}-${queueId}: ${(error as Error).message}`);
    }
    return records.map((record) => {
      demand(
        record.topic === topic && record.queueId === queueId,
        'wrong-queue',
        () => `a pull of ${topic}-${queueId} returned a message of ${record.topic}-${record.queueId}`,
      );
      return { message: this.identify(record), record };
    });
  }

  /** What a crash leaves of the store's debts. `flushedOffset` is what the store called flushed then. */
  crashed(kind: CrashKind, flushedOffset: number): void {
    for (const message of this.messages.values()) {
      if (message.durability !== 'process') continue;
      if (message.endOffset <= flushedOffset) message.durability = 'stable';
      else if (kind === 'power') message.durability = 'none';
    }
  }

  /** Deleted topics may come back. */
  forgetDeletions(): void {
    for (const message of this.messages.values()) if (message.deleted === 'yes') message.deleted = 'maybe';
  }

  /** Messages that the store owes. */
  *owed(): Generator<SimMessage> {
    for (const message of this.messages.values()) {
      if (message.durability !== 'none' && message.deleted === 'no') yield message;
    }
  }
}

/** Where the messages of a put stand, from the message ids that a producer gets. */
function placesOf(result: PutResult): number[] {
  return result
    .offsetMsgIds()
    .split(',')
    .map((id) => decodeOffsetMsgId(id).physicalOffset);
}
