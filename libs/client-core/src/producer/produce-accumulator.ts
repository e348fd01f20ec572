import { isRetryTopic, type MessageQueue } from '@rocknest/protocol';
import { isDelayed, batchItem, packBatch, type BatchItem } from './outgoing-batch.js';
import { checkSendTopic, sizeOf, type OutgoingMessage } from './outgoing-message.js';
import type { MessageInput } from './message-input.js';
import type { SendResult } from './send-result.js';
import type { SendCallback } from './send-task.js';

export interface AccumulatorOptions {
  /** ms that a message waits for fellows at most. */
  batchMaxDelayMs: number;
  /** Bytes of a batch, with properties, at which it goes. */
  batchMaxBytes: number;
  /** Bytes of all messages that wait or are on their way in batches; what comes beyond is sent by itself. */
  totalBatchMaxBytes: number;
  /** Bodies of this size are compressed, which those of a batch are not: they go by themselves. */
  compressMsgBodyOverBytes: number;
  maxMessageSizeBytes: number;
}

interface OpenBatch {
  readonly key: string;
  readonly waitStoreOk: boolean;
  readonly queue: MessageQueue | undefined;
  readonly items: BatchItem[];
  readonly callbacks: SendCallback[];
  sizeBytes: number;
  timer: NodeJS.Timeout | undefined;
}

/** Sends a batch. */
export type BatchSender = (batch: OutgoingMessage, queue: MessageQueue | undefined, callback: SendCallback) => void;

/**
 * Makes batches of single sends: messages of one topic, tag and `waitStoreOk`, and of one queue when the sender names it, wait for each other for a
 * few ms and go as one request (RocketMQ: `client/producer/ProduceAccumulator.java`, 5.2). Each send gets a result of its own.
 */
export class ProduceAccumulator {
  private readonly open = new Map<string, OpenBatch>();
  private totalBytes = 0;

  constructor(
    private readonly options: AccumulatorOptions,
    private readonly sendBatch: BatchSender,
  ) {}

  /** Bytes of messages that wait or are on their way. */
  get heldBytes(): number {
    return this.totalBytes;
  }

  /**
   * Takes the message, unless it has to go by itself: delayed, large, or no room.
   *
   * @throws MQClientError MESSAGE_ILLEGAL.
   */
  add(input: MessageInput, queue: MessageQueue | undefined, nowMs: number, callback: SendCallback): boolean {
    const { options } = this;
    if (isDelayed(input) || this.totalBytes >= options.totalBatchMaxBytes) return false;
    const { body } = input;
    if (typeof body === 'string' || body instanceof Uint8Array) {
      const bodyBytes = typeof body === 'string' ? sizeOf(body) : body.length;
      if (bodyBytes >= options.compressMsgBodyOverBytes || bodyBytes >= options.batchMaxBytes) return false;
    }
    if (isRetryTopic(input.topic)) return false;
    checkSendTopic(input.topic);
    const item = batchItem(input, options.maxMessageSizeBytes, nowMs);
    const waitStoreOk = input.waitStoreOk !== false;
    const key = [input.topic, input.tags ?? '', waitStoreOk, queue?.brokerName ?? '', queue?.queueId ?? ''].join(
      '\u0001',
    );
    let batch = this.open.get(key);
    if (batch && batch.sizeBytes + item.sizeBytes > options.batchMaxBytes) {
      this.close(batch);
      batch = undefined;
    }
    if (!batch) {
      batch = { key, waitStoreOk, queue, items: [], callbacks: [], sizeBytes: 0, timer: undefined };
      this.open.set(key, batch);
      const opened = batch;
      batch.timer = setTimeout(() => this.close(opened), options.batchMaxDelayMs);
    }
    batch.items.push(item);
    batch.callbacks.push(callback);
    batch.sizeBytes += item.sizeBytes;
    this.totalBytes += item.sizeBytes;
    if (batch.sizeBytes >= options.batchMaxBytes) this.close(batch);
    return true;
  }

  /** Sends everything that waits. */
  flush(): void {
    for (const batch of this.open.values()) this.close(batch);
  }

  private close(batch: OpenBatch): void {
    clearTimeout(batch.timer);
    if (this.open.get(batch.key) === batch) this.open.delete(batch.key);
    const { items, callbacks } = batch;
    const ended = (tell: (callback: SendCallback, index: number) => void): void => {
      this.totalBytes -= batch.sizeBytes;
      for (const [index, callback] of callbacks.entries()) tell(callback, index);
    };
    try {
      this.sendBatch(packBatch(items, batch.waitStoreOk, Date.now()), batch.queue, {
        onSuccess: (result) => {
          const offsetMsgIds = result.offsetMsgId.split(',');
          ended((callback, index) =>
            callback.onSuccess(resultOf(result, items[index].msgId, offsetMsgIds[index], index)),
          );
        },
        onException: (error) => ended((callback) => callback.onException(error)),
      });
    } catch (error) {
      // Not within the call of whoever sent the last message.
      queueMicrotask(() => ended((callback) => callback.onException(error as Error)));
    }
  }
}

/** What the answer to a batch says about one of its messages: they have neighbouring offsets. */
function resultOf(batch: SendResult, msgId: string, offsetMsgId: string | undefined, index: number): SendResult {
  return {
    ...batch,
    msgId,
    offsetMsgId: offsetMsgId ?? '',
    queueOffset: batch.queueOffset < 0 ? -1 : batch.queueOffset + index,
  };
}
