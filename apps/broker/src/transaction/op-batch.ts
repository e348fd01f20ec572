import { encodeHost, MessageConst, tagsCodeOf, TRANS_OP_HALF_TOPIC } from '@rocknest/protocol';
import type { MessageStore, PutMessage, PutResult } from '@rocknest/store';
import type { Clock } from '../clock.js';
import { encodeReceivedProperties } from '../send/property-completer.js';
import { storedCode } from '../send/put-response.js';
import { MAX_PENDING_MARKS } from './defaults.js';

/** The tag of an op message: the half messages whose queue offsets it lists are ended. */
export const REMOVE_TAG = 'd';
const OFFSET_SEPARATOR = ',';

export interface OpBatchOptions {
  /** `transactionOpMsgMaxSize`, read at each use. */
  readonly maxSizeBytes: () => number;
  /** `transactionOpBatchInterval`, read at each use. */
  readonly intervalMs: () => number;
  /** `ip:port` that op messages say they come from. */
  readonly bornHost: () => string;
  readonly createUniqKey: () => string;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

/**
 * The marks of one half queue on their way into the op queue. Marks of several half messages become one op message.
 *
 * Follows `deletePrepareMessage` and `batchSendOpMessage` of `broker/transaction/queue/TransactionalMessageServiceImpl.java`.
 */
export class OpBatch {
  private pending: number[] = [];
  private pendingBytes = 0;
  private timer: NodeJS.Timeout | undefined = undefined;
  private flushing: Promise<void> | undefined = undefined;
  private stopped = false;

  constructor(
    private readonly store: Pick<MessageStore, 'putMessage'>,
    private readonly queueId: number,
    private readonly options: OpBatchOptions,
  ) {}

  /** True when no further mark may come before some are written: the store takes none. */
  get full(): boolean {
    return this.pending.length >= MAX_PENDING_MARKS;
  }

  add(halfOffset: number): void {
    this.pending.push(halfOffset);
    this.pendingBytes += markText(halfOffset).length;
    if (this.stopped || this.pendingBytes >= this.options.maxSizeBytes()) {
      this.flushSoon();
    } else {
      this.timer ??= setTimeout(this.flushSoon, this.options.intervalMs());
    }
  }

  /** Writes everything that is pending. Rejects when the store did not take it; the marks are kept then, and written later. */
  async flush(): Promise<void> {
    while (this.flushing !== undefined) await this.flushing;
    if (this.pending.length === 0) return;
    this.flushing = this.write().finally(() => {
      this.flushing = undefined;
    });
    await this.flushing;
  }

  /** Writes what is pending; later marks are written at once. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.flush().catch(this.failed);
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private readonly flushSoon = (): void => {
    this.flush().catch(this.failed);
  };

  private readonly failed = (error: unknown): void => {
    this.options.warn(`the marks of ${this.pending.length} ended transactions are not written yet: ${String(error)}`);
  };

  private async write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const marks = this.pending;
    this.pending = [];
    this.pendingBytes = 0;
    const failed: number[] = [];
    let reason = '';
    await Promise.all(
      this.texts(marks).map(async ({ text, offsets }) => {
        const result = await this.put(text);
        if (storedCode(result.status) !== undefined) return;
        failed.push(...offsets);
        reason = result.reason ?? result.status;
      }),
    );
    if (failed.length === 0) return;
    this.pending = [...failed, ...this.pending];
    this.pendingBytes = this.pending.reduce((sum, offset) => sum + markText(offset).length, 0);
    if (!this.stopped) this.timer ??= setTimeout(this.flushSoon, this.options.intervalMs());
    throw new Error(reason);
  }

  private texts(marks: readonly number[]): { text: string; offsets: number[] }[] {
    const maxSizeBytes = this.options.maxSizeBytes();
    const texts: { text: string; offsets: number[] }[] = [];
    let last: { text: string; offsets: number[] } | undefined;
    for (const offset of marks) {
      if (last === undefined || last.text.length >= maxSizeBytes) texts.push((last = { text: '', offsets: [] }));
      last.text += markText(offset);
      last.offsets.push(offset);
    }
    return texts;
  }

  private put(text: string): Promise<PutResult> {
    const message: PutMessage = {
      topic: TRANS_OP_HALF_TOPIC,
      queueId: this.queueId,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: this.options.clock(),
      bornHost: encodeHost(this.options.bornHost()),
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from(text),
      properties: encodeReceivedProperties({
        [MessageConst.TAGS]: REMOVE_TAG,
        [MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX]: this.options.createUniqKey(),
      }),
      tagsCode: tagsCodeOf(REMOVE_TAG),
      waitStoreOk: false,
    };
    return new Promise((resolve) => this.store.putMessage(message, resolve));
  }
}

/** The half offsets that the body of an op message lists. RocketMQ 4.x writes one without a separator; what is no number is passed over. */
export function* markedOffsets(body: Buffer): Generator<number> {
  for (const text of body.toString('latin1').split(OFFSET_SEPARATOR)) {
    if (/^\d{1,15}$/.test(text)) yield Number(text);
  }
}

function markText(halfOffset: number): string {
  return `${halfOffset}${OFFSET_SEPARATOR}`;
}
