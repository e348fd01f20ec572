import { decodeMessage, MessageConst, type MessageExt, MessageSysFlag } from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import type { Clock } from '../clock.js';
import { BoundedMap } from './bounded-memory.js';
import { CLOCK_TOLERANCE_MS, MAX_DELIVERIES_OF_A_KEY, MAX_REMEMBERED_HALVES } from './defaults.js';
import { realPlaceOf } from './half-message.js';

/** What a half message has that a check put to the end of its queue. */
const COPY_PROPERTIES = [MessageConst.TRANSACTION_CHECK_TIMES, MessageConst.TRANSACTION_PREPARED_QUEUE_OFFSET];

/**
 * Tells whether a half message from before the start of this process was committed by the process before, whose mark of it was lost with
 * `kill -9`: its message stands in the topic then, and the index finds it by its UNIQ_KEY. Half messages of this process cost nothing.
 */
export class EarlierCommits {
  private readonly startMs: number;
  /** UNIQ_KEYs of such transactions that this process delivers or has delivered, whichever copy of the half message was ended. */
  private readonly claimed = new BoundedMap<string, true>(MAX_REMEMBERED_HALVES);

  constructor(
    private readonly store: Pick<MessageStore, 'queryMessage'>,
    private readonly clock: Clock,
  ) {
    this.startMs = clock();
  }

  /**
   * Says whether the message of this half message is stored, or just being stored for another copy of it.
   *
   * @throws StoreError STORE_BUSY when too many queries wait.
   */
  async has(half: MessageExt): Promise<boolean> {
    const uniqKey = half.properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX];
    const topic = realPlaceOf(half)?.topic;
    if (uniqKey === undefined || topic === undefined || !this.isEarlier(half)) return false;
    if (this.claimed.has(uniqKey)) return true;
    const fromMs = Math.min(half.bornTimestamp, half.storeTimestamp) - CLOCK_TOLERANCE_MS;
    const toMs = this.clock() + CLOCK_TOLERANCE_MS;
    const { records } = await this.store.queryMessage(topic, uniqKey, MAX_DELIVERIES_OF_A_KEY, fromMs, toMs);
    return records.some((record) => {
      const { sysFlag, bornTimestamp } = decodeMessage(record, 0, { inflate: false });
      const isCommitted = (sysFlag & MessageSysFlag.TRANSACTION_MASK) === MessageSysFlag.TRANSACTION_COMMIT_TYPE;
      return isCommitted && bornTimestamp === half.bornTimestamp;
    });
  }

  /** The right to deliver the message of a half message: false when it is delivered already. */
  async claim(half: MessageExt): Promise<boolean> {
    if (!this.isEarlier(half)) return true;
    const uniqKey = half.properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX] ?? '';
    if ((await this.has(half)) || this.claimed.has(uniqKey)) return false;
    this.claimed.set(uniqKey, true);
    return true;
  }

  /** It could not be delivered. */
  release(half: MessageExt): void {
    this.claimed.delete(half.properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX] ?? '');
  }

  /** Of a copy only the producer's clock tells when the first one was stored. */
  private isEarlier({ properties, storeTimestamp, bornTimestamp }: MessageExt): boolean {
    if (storeTimestamp < this.startMs) return true;
    const isCopy = COPY_PROPERTIES.some((name) => properties[name] !== undefined);
    return isCopy && bornTimestamp <= this.startMs + CLOCK_TOLERANCE_MS;
  }
}
